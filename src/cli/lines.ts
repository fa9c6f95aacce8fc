import { open } from 'node:fs/promises';
import { UsageError } from './errors';

/** A line that is not blank, without white space around it. */
export interface Line {
  /** 1 is the first. */
  number: number;
  text: string;
}

/** A longer line is cut there: no id is as long. */
const MAX_CHARACTERS = 1_024;

/**
 * Reads the lines of a text file in UTF-8. Lines end with LF, CRLF or CR. A byte order mark is ignored, wherever a line begins
 * with it. The memory that this needs does not depend on the length of the file, or of a line.
 *
 * @throws {UsageError} The file cannot be read, or is not text in UTF-8.
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const splitter = new Splitter();
  for await (const text of readText(path)) yield* splitter.add(text, path);
  yield* splitter.end(path);
}

async function* readText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    if (!(await file.stat()).isFile()) throw new UsageError(`${path} is not a regular file.`);
    for await (const bytes of file.createReadStream({ autoClose: false, highWaterMark: 65_536 })) {
      yield decoder.decode(bytes as Buffer, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${path} is not text in UTF-8.`, { cause: error });
    throw error instanceof UsageError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

function unreadable(path: string, error: unknown): UsageError {
  const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
  return new UsageError(`${path} cannot be read (${code}).`, { cause: error });
}

class Splitter {
  #number = 0;
  /** The line that has begun. */
  #rest = '';

  *add(text: string, path: string): Generator<Line> {
    // A CR at the end may be the first half of CRLF.
    const parts = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    const [, begun = '', end = ''] = /^([^]*?)(\r?)$/.exec(parts.pop() ?? '') ?? [];
    this.#rest = cut(begun.trimStart()) + end;
    for (const part of parts) yield* this.#line(part, path);
  }

  *end(path: string): Generator<Line> {
    yield* this.#line(this.#rest, path);
  }

  *#line(part: string, path: string): Generator<Line> {
    this.#number++;
    if (part.includes('\0')) throw new UsageError(`${path} is not a text file (line ${this.#number}).`);
    // `trim` removes byte order marks and no-break spaces too.
    const text = cut(part.trim());
    if (text !== '') yield { number: this.#number, text };
  }
}

function cut(text: string): string {
  return text.length > MAX_CHARACTERS ? text.slice(0, MAX_CHARACTERS) : text;
}
