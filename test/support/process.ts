import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

export const ROOT = join(__dirname, '..', '..');

/** A process of this project, and its output so far. */
export interface Running {
  child: ChildProcessByStdio<null, Readable, Readable>;
  output: () => string;
  /** Waits until the output matches. Throws if the process ends first. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal, and waits until the process ends. Default: `SIGTERM`. @returns The exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  exited: Promise<number | null>;
}

/**
 * Starts a program in the root folder of the project. The process inherits no environment variable except `PATH`.
 *
 * @param program Default: Node.
 */
export function run(args: readonly string[], env: Record<string, string> = {}, program = process.execPath): Running {
  const { PATH = '' } = process.env;
  const child = spawn(program, args, { cwd: ROOT, env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const changes = new EventEmitter().setMaxListeners(0);
  let output = '';
  let ended = false;
  const onText = (text: string): void => {
    output += text;
    changes.emit('change');
  };
  child.stdout.setEncoding('utf8').on('data', onText);
  child.stderr.setEncoding('utf8').on('data', onText);
  const exited = once(child, 'close').then(([code]) => {
    ended = true;
    changes.emit('change');
    return code as number | null;
  });
  return {
    child,
    output: () => output,
    exited,
    async waitFor(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match !== null) return match;
        if (ended) throw new Error(`the process ended without printing ${String(pattern)}; it printed:\n${output}`);
        await once(changes, 'change');
      }
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

/** Arguments with which Node runs TypeScript files. */
export const TSX = ['--import', 'tsx'];
