import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readStartArgs } from '../../test/support/start';
import type { EmulatorReady } from './emulator';

const ROOT = join(__dirname, '..', '..');

export interface EmulatorProcess extends EmulatorReady {
  stop: () => void;
}

/** Starts the emulator in a process of its own, which ends with this one. */
export async function startEmulatorProcess(): Promise<EmulatorProcess> {
  const child = fork(join(__dirname, 'emulator.ts'), { execArgv: ['--import', 'tsx'], detached: true });
  const [ready] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the emulator cannot start'))),
  ])) as [EmulatorReady];
  return { ...ready, stop: () => child.disconnect() };
}

/** The process that is looked at. */
export interface Subject {
  url: string;
  adminUrl: string;
  /** What it has logged as errors, shortened. Nothing that it foresees is one. */
  errors: readonly string[];
  /** Aborted when it has ended. */
  ended: AbortSignal;
  /** Asks it to leave, and waits for the end. */
  stop(): Promise<number | null>;
}

const MAX_ERRORS = 20;

/** Starts `dist/main.js`. Not in this process's group, so that Ctrl+C does not end it before it is looked at. */
export async function startSubject(env: Record<string, string>): Promise<Subject> {
  const child = spawn(process.execPath, readStartArgs(ROOT), {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithThisProcess(child);
  const ended = new AbortController();
  const exited = once(child, 'exit').then(([code]) => {
    ended.abort();
    return code as number | null;
  });
  const errors: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<{ url: string; adminUrl: string }>((resolve) => {
    lines.on('line', (line) => {
      if (/^\{"level":[56]0/.test(line) && errors.length < MAX_ERRORS) errors.push(line.slice(0, 500));
      if (line.includes('"msg":"ready"')) resolve(JSON.parse(line) as { url: string; adminUrl: string });
    });
  });
  const { url, adminUrl } = await Promise.race([
    ready,
    exited.then(() => Promise.reject(new Error('dist/main.js cannot start; what it says is above'))),
  ]);
  return {
    url,
    adminUrl,
    errors,
    ended: ended.signal,
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

function endWithThisProcess(child: ChildProcess): void {
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}
