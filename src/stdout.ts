import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export interface StdoutOptions {
  /** Called when the log can be written again after lines were dropped, with the number of dropped lines. */
  onResume?: (droppedLines: number) => void;
  /** Default: 1. */
  fd?: number;
}

/** Log lines are buffered and written together: after 8 KiB, or after 50 ms. */
const BUFFER = { characters: 8 * 1024, ms: 50 };
/** Maximum number of bytes that wait while stdout is blocked. */
const MAX_WAITING_BYTES = { log: 1024 * 1024, records: 256 * 1024 };
/** The time until the next attempt while stdout is blocked. */
const RETRY_MS = 20;

/** The record could not be written to stdout in time. The `cause`, if there is one, is the error of the last attempt. */
export class StdoutBlockedError extends Error {
  override readonly name = 'StdoutBlockedError';

  constructor(cause?: unknown) {
    super('stdout is blocked', { cause });
  }
}

/**
 * The only writer of stdout, so that lines of the log and records of the audit trail never mix. Create one in each process.
 *
 * Writing never blocks the process. If the reader of stdout stops reading, or the disk behind it is full, output waits in
 * memory. Beyond the bound log lines are dropped and counted. Records are rejected, so that mutations are refused.
 *
 * pino's own destination writes synchronously: with a full pipe it stops the event loop until the pipe is read.
 *
 * @see https://nodejs.org/docs/latest-v20.x/api/process.html#a-note-on-process-io
 */
export class Stdout {
  readonly #onResume: (droppedLines: number) => void;
  readonly #fd: number;
  #buffered: string[] = [];
  #bufferedCharacters = 0;
  #bufferTimer: NodeJS.Timeout | undefined;
  /** The chunk of which a part has been written. It has to be completed before anything else is written. */
  #current: Chunk | null = null;
  readonly #records: Chunk[] = [];
  #recordBytes = 0;
  readonly #log: Chunk[] = [];
  #logBytes = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #lastError: unknown;
  #dropped = 0;
  #reported = 0;

  constructor({ onResume = () => undefined, fd = 1 }: StdoutOptions = {}) {
    this.#onResume = onResume;
    this.#fd = fd;
    if (fd === 1) makeNonBlocking();
  }

  /** Number of log lines that were dropped since the start. */
  get droppedLines(): number {
    return this.#dropped;
  }

  /** Writes a line of the log, at once or within 50 ms. */
  write(line: string): void {
    this.#buffered.push(line);
    this.#bufferedCharacters += line.length;
    if (this.#bufferedCharacters >= BUFFER.characters) this.flushSync();
    else this.#bufferTimer ??= setTimeout(() => this.flushSync(), BUFFER.ms);
  }

  /**
   * Writes a record before all waiting log lines. Resolves when the operating system has the complete line.
   *
   * @param keep Whether the record stays in the queue after the time has passed, and is written when stdout is readable.
   *   Otherwise it is withdrawn, unless a part of it has been written already.
   * @throws {StdoutBlockedError} The record was not written in `timeoutMs`, or too many records wait.
   */
  writeRecord(line: string, { timeoutMs, keep }: { timeoutMs: number; keep: boolean }): Promise<void> {
    const rest = Buffer.from(line);
    if (this.#recordBytes + rest.length > MAX_WAITING_BYTES.records) {
      return Promise.reject(new StdoutBlockedError(this.#lastError));
    }
    return new Promise((resolve, reject) => {
      const onTimeout = (): void => {
        reject(new StdoutBlockedError(this.#lastError));
        const index = this.#records.indexOf(record);
        if (keep || index === -1) return;
        this.#records.splice(index, 1);
        this.#recordBytes -= rest.length;
      };
      const timer = setTimeout(onTimeout, timeoutMs);
      const onWritten = (): void => {
        clearTimeout(timer);
        this.#recordBytes -= rest.length;
        resolve();
      };
      const record = { rest, onWritten };
      this.#records.push(record);
      this.#recordBytes += rest.length;
      this.#writeWaiting();
    });
  }

  /** Writes the buffered lines as far as that is possible now. pino calls it after a line of the level `fatal`. */
  flushSync(): void {
    clearTimeout(this.#bufferTimer);
    this.#bufferTimer = undefined;
    const lines = this.#buffered;
    if (lines.length > 0) {
      const rest = Buffer.from(lines.join(''));
      this.#buffered = [];
      this.#bufferedCharacters = 0;
      if (this.#logBytes + rest.length > MAX_WAITING_BYTES.log) this.#dropped += lines.length;
      else this.#waitInLog(rest);
    }
    this.#writeWaiting();
  }

  /** Writes everything that waits. Output that cannot be written in `timeoutMs` is lost. */
  async close(timeoutMs: number): Promise<void> {
    this.flushSync();
    const until = performance.now() + timeoutMs;
    while (this.#isWaiting() && performance.now() < until) await pause(RETRY_MS);
    clearTimeout(this.#retryTimer);
  }

  #isWaiting(): boolean {
    return this.#current !== null || this.#records.length > 0 || this.#log.length > 0;
  }

  #waitInLog(rest: Buffer): void {
    const onWritten = (): void => {
      this.#logBytes -= rest.length;
      this.#reportDropped();
    };
    this.#log.push({ rest, onWritten });
    this.#logBytes += rest.length;
  }

  /** Writes until nothing waits, or until stdout takes no more. */
  #writeWaiting(): void {
    for (;;) {
      const queue = this.#records.length > 0 ? this.#records : this.#log;
      const chunk = this.#current ?? queue[0];
      if (chunk === undefined) return;
      try {
        chunk.rest = chunk.rest.subarray(writeSync(this.#fd, chunk.rest));
      } catch (error) {
        this.#lastError = error;
        this.#retryTimer ??= setTimeout(() => {
          this.#retryTimer = undefined;
          this.#writeWaiting();
        }, RETRY_MS);
        return;
      }
      if (this.#current === null) queue.shift();
      this.#current = chunk.rest.length > 0 ? chunk : null;
      if (this.#current === null) chunk.onWritten();
    }
  }

  #reportDropped(): void {
    const lines = this.#dropped - this.#reported;
    if (lines === 0 || this.#logBytes > MAX_WAITING_BYTES.log / 2) return;
    this.#reported = this.#dropped;
    this.#onResume(lines);
  }
}

/** A part of the output, without the bytes that have been written. */
interface Chunk {
  rest: Buffer;
  onWritten: () => void;
}

/**
 * Makes writing to stdout and stderr fail with `EAGAIN` instead of blocking, where they are pipes or sockets. Node does so
 * when `process.stdout` and `process.stderr` are first read. Files and terminals stay blocking.
 */
function makeNonBlocking(): void {
  void [process.stdout, process.stderr];
}
