import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UnavailableError, UsageError } from './errors';
import { type JournalLine, parseLine } from './journalLine';
import { Lock } from './lock';

/** A file of lines about users. A line whose promise was resolved survives the end of the process and of the machine. */
export class Journal {
  readonly path: string;
  readonly #lock: Lock;
  readonly #file: FileHandle;
  #next: string[] = [];
  #written: Promise<void> | undefined;
  #failure: UnavailableError | undefined;

  private constructor(path: string, lock: Lock, file: FileHandle) {
    this.path = path;
    this.#lock = lock;
    this.#file = file;
  }

  /**
   * Opens a journal, or creates it. A last line that a kill has cut off is removed: its promise was not resolved.
   *
   * @param onLine Called with every line that the journal has. It may throw.
   * @throws {UsageError} The journal cannot be used, or another run is using it.
   */
  static async open(path: string, onLine: (line: JournalLine, number: number) => void): Promise<Journal> {
    const lock = new Lock(path);
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'a+', 0o600);
      const { completeBytes, isComplete } = await readJournal(path, onLine);
      if (isComplete) await file.appendFile('\n');
      else await file.truncate(completeBytes);
      await syncFolder(path);
      return new Journal(path, lock, file);
    } catch (error) {
      await file?.close();
      lock.release();
      throw error instanceof UsageError ? error : unusable(path, error);
    }
  }

  /** Resolves when the line is on the disk. Concurrent lines share a write. @throws {UnavailableError} */
  async append(line: Omit<JournalLine, 'ts'>): Promise<void> {
    this.#next.push(`${JSON.stringify({ ts: new Date().toISOString(), ...line })}\n`);
    // Lines that arrive during a write are in the next one.
    const previous = this.#written;
    this.#written = previous === undefined ? this.#write() : previous.then(() => this.#write());
    await this.#written;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes the journal, and removes it if it has no line. */
  async close(): Promise<void> {
    await this.#written;
    const { size } = await this.#file.stat();
    await this.#file.close();
    if (size === 0) await rm(this.path);
    this.#lock.release();
  }

  async #write(): Promise<void> {
    if (this.#next.length === 0 || this.#failure !== undefined) return;
    const lines = this.#next.join('');
    this.#next = [];
    try {
      await this.#file.appendFile(lines);
      await this.#file.datasync();
    } catch (error) {
      // A part may have been written. Nothing is written after it, so that the next run can remove it.
      const { code } = error as NodeJS.ErrnoException;
      this.#failure = new UnavailableError(`The journal cannot be written: ${this.path} (${code}).`, { cause: error });
    }
  }
}

export interface JournalEnd {
  /** The length of the complete lines. */
  completeBytes: number;
  /** Whether the last line lacks its end only. */
  isComplete: boolean;
}

/**
 * Reads a journal line by line.
 *
 * @throws {UsageError} A line that is not the last one is damaged, or the file is another one.
 */
export async function readJournal(
  path: string,
  onLine: (line: JournalLine, number: number) => void | Promise<void>,
): Promise<JournalEnd> {
  const file = await open(path).catch((error: unknown) => {
    throw unusable(path, error);
  });
  let number = 0;
  let completeBytes = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of file.createReadStream()) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      number++;
      const line = parseLine(bytes.toString('utf8', start, end));
      if (line === null) throw new UsageError(`Line ${number} of ${path} is not a line of a journal.`);
      await onLine(line, number);
      completeBytes += end + 1 - start;
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
  const last = rest.length === 0 ? null : parseLine(rest.toString('utf8'));
  if (last !== null) await onLine(last, number + 1);
  return { completeBytes, isComplete: last !== null };
}

/** Makes the name of a new file durable, where the system can. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path));
  await folder.sync().catch(() => undefined);
  await folder.close();
}

function unusable(path: string, error: unknown): UsageError {
  const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
  return new UsageError(`The journal cannot be used: ${path} (${code}).`, { cause: error });
}
