import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Stdout } from '../stdout';
import { AuditUnavailableError } from './errors';

export interface Line {
  text: string;
  /** Whether it is the record of an outcome. */
  isOutcome: boolean;
}

/** Where lines are written. */
export interface Sink {
  /** Resolves when all lines are durable. */
  write(lines: readonly Line[]): Promise<void>;
  close(): Promise<void>;
}

/** @param target Stdout, or the path of a file. @throws {AuditUnavailableError} The file cannot be opened. */
export async function openSink(target: string | Stdout): Promise<Sink> {
  return typeof target === 'string' ? FileSink.open(target) : new StdoutSink(target);
}

class FileSink implements Sink {
  readonly #path: string;
  #file: OpenFile;
  /** Whether the file is known to end with a complete line. */
  #isComplete = false;

  private constructor(path: string, file: OpenFile) {
    this.#path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<FileSink> {
    try {
      return new FileSink(path, await openFile(path));
    } catch (cause) {
      throw new AuditUnavailableError(cause);
    }
  }

  async write(lines: readonly Line[]): Promise<void> {
    await this.#reopenIfMoved();
    const { handle } = this.#file;
    const start = this.#isComplete || (await endsWithCompleteLine(handle)) ? '' : '\n';
    this.#isComplete = false;
    await handle.appendFile(start + lines.map(({ text }) => text).join(''));
    this.#isComplete = true;
  }

  close(): Promise<void> {
    return this.#file.handle.close();
  }

  /** Opens the file again if log rotation has renamed or removed it. */
  async #reopenIfMoved(): Promise<void> {
    // The synchronous call takes 2 µs, because the metadata is in memory. The asynchronous one takes ten times as long.
    const named = statSync(this.#path, { throwIfNoEntry: false });
    if (named?.ino === this.#file.ino && named.dev === this.#file.dev) return;
    const previous = this.#file.handle;
    this.#file = await openFile(this.#path);
    this.#isComplete = false;
    await previous.close();
  }
}

/** An open file, and its identity in the file system. */
interface OpenFile {
  handle: FileHandle;
  ino: number;
  dev: number;
}

/**
 * Opens the file for synchronous appending. Each write is on the disk when it ends, as after `fsync`. Node 24 forbids `fsync`
 * under `--permission`.
 *
 * @see https://nodejs.org/docs/latest-v24.x/api/permissions.html
 */
async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'as+', 0o600);
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, ino: stats.ino, dev: stats.dev };
  await handle.close();
  throw new Error('not a regular file');
}

async function endsWithCompleteLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === '\n';
}

/** How long a record waits for a reader of stdout that is slow or has stopped, in milliseconds. */
const STDOUT_TIMEOUT_MS = 1_000;

/**
 * Writes to stdout. The promise of a record is rejected if stdout takes it too late. An intent is then withdrawn, because its
 * write is refused. An outcome stays in the queue, because its write has been sent.
 */
class StdoutSink implements Sink {
  readonly #stdout: Stdout;

  constructor(stdout: Stdout) {
    this.#stdout = stdout;
  }

  async write(lines: readonly Line[]): Promise<void> {
    const write = ({ text, isOutcome }: Line): Promise<void> =>
      this.#stdout.writeRecord(text, { timeoutMs: STDOUT_TIMEOUT_MS, keep: isOutcome });
    await Promise.all(lines.map(write));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
