import { BYTES_PER_WORD, WordBytes } from './bytes';

const INITIAL_BYTES = 64 * 1024;
/** Maximum size of the buffers that are kept for the next responses. */
const MAX_KEPT_BYTES = 2 * 1024 * 1024;

/** Below this number of bytes, a loop is faster than a native copy. */
const SHORT = 64;

/** Up to this number of bytes, a string costs less than sending the body separately from the headers. */
const SHORT_TEXT = 4 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Thrown and caught by `writeWithin`. One object, because its stack is not read. */
const TOO_LARGE = new Error('the text is larger than its limit');

/** Writes JSON as bytes, without making strings first. */
export class JsonWriter {
  /** The buffers of writers that have ended, and the sum of their sizes. */
  static readonly #kept: WordBytes[] = [];
  static #keptBytes = 0;
  readonly #maxLength: number;
  #buffer: WordBytes;
  #length = 0;
  #isLimited = false;

  /** @param maxLength Default: no limit. The number of bytes that `writeWithin` may reach. */
  constructor(maxLength = Infinity) {
    this.#maxLength = maxLength;
    const kept = JsonWriter.#kept.pop();
    if (kept !== undefined) JsonWriter.#keptBytes -= kept.bytes.length;
    this.#buffer = kept ?? new WordBytes(Buffer.allocUnsafe(INITIAL_BYTES));
  }

  /** The number of bytes that were written. */
  get length(): number {
    return this.#length;
  }

  /** Removes what was written after a length. */
  truncate(length: number): void {
    this.#length = length;
  }

  /**
   * Writes a value if it fits.
   *
   * @returns Whether it fits. If not, nothing of it is left.
   */
  writeWithin(write: () => void): boolean {
    const start = this.#length;
    this.#isLimited = true;
    try {
      write();
      return true;
    } catch (error) {
      if (error !== TOO_LARGE) throw error;
      this.#length = start;
      return false;
    } finally {
      this.#isLimited = false;
    }
  }

  /** Writes JSON in ASCII. */
  literal(text: string): void {
    const { length } = text;
    this.#makeRoom(length);
    const target = this.#buffer.bytes;
    let to = this.#length;
    for (let at = 0; at < length; at++) target[to++] = text.charCodeAt(at);
    this.#length = to;
  }

  /** Writes any value as `JSON.stringify` does. */
  value(value: unknown): void {
    if (value === null || typeof value === 'boolean') this.literal(String(value));
    else if (typeof value !== 'string' || value.length > SHORT || !this.#plainString(value)) {
      this.text(JSON.stringify(value));
    }
  }

  /** Writes a string of printable ASCII. @returns Whether it is one; otherwise nothing has been written. */
  #plainString(text: string): boolean {
    const { length } = text;
    this.#makeRoom(length + 2);
    const target = this.#buffer.bytes;
    let to = this.#length;
    target[to++] = QUOTE;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return false;
      target[to++] = code;
    }
    target[to++] = QUOTE;
    this.#length = to;
    return true;
  }

  /** Writes JSON in any characters. */
  text(text: string): void {
    // One UTF-16 unit takes at most three bytes.
    const most = text.length * 3;
    this.#makeRoom(this.#length + most <= this.#maxLength ? most : Buffer.byteLength(text));
    this.#length += this.#buffer.bytes.write(text, this.#length);
  }

  /** Writes bytes that are JSON already. */
  copy({ bytes, words }: WordBytes, start: number, end: number): void {
    const length = end - start;
    this.#makeRoom(length);
    const { bytes: target, words: targetWords } = this.#buffer;
    let to = this.#length;
    if (length >= SHORT) bytes.copy(target, to, start, end);
    else if (length < BYTES_PER_WORD) for (let at = start; at < end; at++) target[to++] = bytes[at] as number;
    else {
      const last = end - BYTES_PER_WORD;
      for (let at = start; at < last; at += BYTES_PER_WORD, to += BYTES_PER_WORD) {
        targetWords.setInt32(to, words.getInt32(at, true), true);
      }
      // The last word overlaps the one before it.
      targetWords.setInt32(this.#length + length - BYTES_PER_WORD, words.getInt32(last, true), true);
    }
    this.#length += length;
  }

  /** Writes to another writer what was written after a length. */
  copyTo(other: JsonWriter, start: number): void {
    other.copy(this.#buffer, start, this.#length);
  }

  /** Returns what was written, and ends the writer. A short result is a string: Node sends it together with the headers. */
  take(): string | Buffer {
    const { bytes } = this.#buffer;
    const taken =
      this.#length <= SHORT_TEXT
        ? bytes.toString('utf8', 0, this.#length)
        : Buffer.from(bytes.subarray(0, this.#length));
    if (JsonWriter.#keptBytes + bytes.length <= MAX_KEPT_BYTES) {
      JsonWriter.#kept.push(this.#buffer);
      JsonWriter.#keptBytes += bytes.length;
    }
    return taken;
  }

  #makeRoom(length: number): void {
    const needed = this.#length + length;
    if (this.#isLimited && needed > this.#maxLength) throw TOO_LARGE;
    const { bytes } = this.#buffer;
    if (needed <= bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, needed));
    bytes.copy(larger, 0, 0, this.#length);
    this.#buffer = new WordBytes(larger);
  }
}
