import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reply } from './parent';

/** The project's, from bench/dist/bench. */
export const ROOT = join(__dirname, '..', '..', '..');

/** Load and stub share one core, and whoever is measured has the other to itself. */
export const PINNED = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
const CORE = { helpers: '0', contender: '1' };

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
    // Nothing of this process's environment leaks into what is measured.
    env: { PATH, NODE_ENV: 'production', ...env },
    stdio,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A process that takes commands over a channel, one at a time. */
export class Helper<Command, Result> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<[{ failure: string }]>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => [{ failure: 'a helper ended' }]);
  }

  /** @param file In this folder, without extension. */
  static async start<Command, Result>(file: string): Promise<Helper<Command, Result>> {
    const child = start('helpers', [join(__dirname, `${file}.js`)], {}, ['ignore', 'inherit', 'inherit', 'ipc']);
    await once(child, 'message');
    return new Helper(child);
  }

  /** @throws {Error} with what the helper failed with. */
  async ask(command: Command): Promise<Result> {
    const replied = once(this.#child, 'message') as Promise<[Reply<Result>]>;
    this.#child.send(command as object);
    const [reply] = await Promise.race([replied, this.#ended]);
    if ('failure' in reply) throw new Error(reply.failure);
    return reply.result;
  }
}

const READY_WITHIN_MS = 15_000;

/** USER_HZ, which Linux has fixed for /proc: a tick is 10 ms. */
const MS_PER_TICK = 10;

/** A contender at work, its output in a file. */
export class ContenderProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(args: readonly string[], env: Record<string, string>, log: string): Promise<ContenderProcess> {
    const file = openSync(log, 'w');
    const child = start('contender', args, env, ['ignore', file, file]);
    const end = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const output = readFileSync(log, 'utf8');
      const ready = /^\{.*"port":(\d+).*"ready".*\}$/m.exec(output);
      if (ready !== null) return new ContenderProcess(child, Number(ready[1]));
      if (child.exitCode !== null || performance.now() > end) throw new Error(`it did not start:\n${output}`);
      await pause(20);
    }
  }

  /** User and system time of all its threads so far, in milliseconds. */
  cpuMs(): number {
    // The name of the program, in brackets, may hold anything; utime and stime are the 12th and 13th field after it.
    const fields = this.#read('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  }

  /** The most that was resident at once since `forgetPeak`, in MiB. */
  peakMiB(): number {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(this.#read('status'))?.[1]) / 1024;
  }

  residentMiB(): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(this.#read('status'))?.[1]) / 1024;
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5');
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #read(file: 'stat' | 'status'): string {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw new Error('it ended while measured');
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }
}
