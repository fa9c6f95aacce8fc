import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reply } from './parent';
import { ROOT } from './root';

/** Whether workers share one core, so that the server that is measured has the other to itself. */
export const PINNED = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
const CORE = { worker: '0', server: '1' };

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function start(
  core: keyof typeof CORE,
  args: readonly string[],
  env: Record<string, string>,
  stdio: ('ignore' | 'inherit' | 'ipc' | number)[],
): ChildProcess {
  const { PATH = '' } = process.env;
  const command = [...(PINNED ? ['taskset', '-c', CORE[core]] : []), process.execPath, ...args];
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: ROOT,
    // No other variable of this process reaches what is measured.
    env: { PATH, NODE_ENV: 'production', ...env },
    stdio,
    // Ctrl+C reaches this process only, which then decides when the others end.
    detached: true,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A process of this folder that executes commands, one at a time. Ends with this process. */
export class WorkerProcess<Command, Result> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<[{ failure: string }]>;

  private constructor(child: ChildProcess, file: string) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => [{ failure: `the process ${file} ended` }]);
  }

  /** @param file Relative to this folder, without extension. */
  static async start<Command, Result>(file: string): Promise<WorkerProcess<Command, Result>> {
    const child = start('worker', [join(__dirname, `${file}.js`)], {}, ['ignore', 'inherit', 'inherit', 'ipc']);
    const worker = new WorkerProcess<Command, Result>(child, file);
    await worker.#receive();
    return worker;
  }

  /** @throws {Error} with the message of the worker's own error. */
  async ask(command: Command): Promise<Result> {
    const replied = this.#receive();
    this.#child.send(command as object);
    return (await replied) as Result;
  }

  async #receive(): Promise<unknown> {
    const replied = once(this.#child, 'message') as Promise<[Reply<Result> | 'ready']>;
    const [reply] = await Promise.race([replied, this.#ended]);
    if (reply === 'ready') return reply;
    if ('failure' in reply) throw new Error(reply.failure);
    return reply.result;
  }
}

const READY_WITHIN_MS = 15_000;

/** USER_HZ, which Linux has fixed for /proc: a tick is 10 ms. */
const MS_PER_TICK = 10;

/** The log line with which a server says that it is ready. The subgraph's own line holds more than the port. */
export interface ReadyLine {
  port: number;
  adminUrl?: string;
}

/** Reads the line from the output of a server. A gateway prints its address instead. */
function readReadyLine(output: string): ReadyLine | null {
  const line = /^\{.*"port":\d+.*"ready".*\}$/m.exec(output)?.[0];
  if (line !== undefined) return JSON.parse(line) as ReadyLine;
  const port = /^gateway at http:\/\/\S+:(\d+)\//m.exec(output)?.[1];
  return port === undefined ? null : { port: Number(port) };
}

/** A server that is measured: the subgraph itself, or a contender. Its output goes to a file. */
export class ServerProcess {
  readonly ready: ReadyLine;
  /** The file with its output. */
  readonly log: string;
  /** Milliseconds from its start. */
  readonly readyMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: ReadyLine, { log, readyMs }: { log: string; readyMs: number }) {
    this.#child = child;
    this.ready = ready;
    this.log = log;
    this.readyMs = readyMs;
  }

  /** @param core Default: the one of the server that is measured. */
  static async start(
    args: readonly string[],
    env: Record<string, string>,
    log: string,
    core: keyof typeof CORE = 'server',
  ): Promise<ServerProcess> {
    const file = openSync(log, 'w');
    const startedAt = performance.now();
    const child = start(core, args, env, ['ignore', file, file]);
    for (;;) {
      const output = readFileSync(log, 'utf8');
      const readyMs = performance.now() - startedAt;
      const ready = readReadyLine(output);
      if (ready !== null) return new ServerProcess(child, ready, { log, readyMs });
      if (child.exitCode !== null || readyMs > READY_WITHIN_MS) throw new Error(`it did not start:\n${output}`);
      await pause(5);
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.ready.port}`;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** User and system time of all its threads so far, in milliseconds. */
  cpuMs(): number {
    // The program's name, in brackets, may hold anything. utime and stime are the 12th and 13th field after it.
    const fields = this.#read('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  }

  /** The highest resident memory since `resetPeak`, in MiB. */
  peakMiB(): number {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(this.#read('status'))?.[1]) / 1024;
  }

  residentMiB(): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(this.#read('status'))?.[1]) / 1024;
  }

  resetPeak(): void {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5');
  }

  /**
   * Ends the process and waits for its end.
   *
   * @returns Its exit code; null if a signal ended it.
   */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    if (!this.hasEnded) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      await ended;
    }
    return this.#child.exitCode;
  }

  #read(file: 'stat' | 'status'): string {
    if (this.hasEnded) throw new Error('it ended while it was measured');
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }
}
