import { type DestinationStream, type Logger, pino } from 'pino';
import type { RequestReport } from './graphql';

export type Log = Logger;

/** Creates a log that writes JSON lines to a stream. */
export function createLog(level: string, stream: DestinationStream): Log {
  return pino({ level, base: null, serializers: { err: describeError } }, stream);
}

/** Writes the line of a GraphQL request. */
export function logRequest(log: Log, report: RequestReport): void {
  log.info({ ...report, ms: Math.round(report.ms) }, 'request');
}

/** When buffered lines are written: at so many characters, or after so many milliseconds. */
const BUFFER = { characters: 8 * 1024, ms: 50 };

/**
 * A stream that buffers lines and writes them together: after 8 KiB or 50 ms. pino's own buffer copies its whole content
 * for every line.
 */
export class BufferedLines implements DestinationStream {
  readonly #to: DestinationStream;
  #lines: string[] = [];
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(to: DestinationStream) {
    this.#to = to;
  }

  write(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters >= BUFFER.characters) this.flushSync();
    else this.#timer ??= setTimeout(() => this.flushSync(), BUFFER.ms);
  }

  /** Writes the buffered lines now. pino calls it after a line of the level `fatal`. */
  flushSync(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#characters = 0;
    this.#to.write(text);
  }
}

/** Opens stdout for a log. Call it once in a process: two buffers would put lines in the wrong order. */
export function openStdout(): DestinationStream {
  const lines = new BufferedLines(pino.destination({ fd: 1, sync: true }));
  process.on('exit', () => lines.flushSync());
  return lines;
}

/** Opens stdout for a log that people read. It needs the development dependency pino-pretty. */
export function openPrettyStdout(): DestinationStream {
  const pinoPretty = require('pino-pretty') as (options: object) => DestinationStream;
  return pinoPretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' });
}

interface ErrorDescription {
  type: string;
  code?: string;
  stack: string[];
  cause?: ErrorDescription;
}

/**
 * Returns the parts of an error that may be logged: its type, its code, and the lines of its stack. The message is left out,
 * because the message of an unexpected error may contain credentials or personal data.
 */
function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, stack: [] };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim()),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
