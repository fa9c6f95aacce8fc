const INITIAL_BYTES = 64 * 1024;
/** Maximum size of a buffer that is kept for the next response. */
const MAX_KEPT = 2 * 1024 * 1024;

/** Below this number of bytes, a loop is faster than a native copy. */
const SHORT = 64;

/** Up to this number of bytes, a string costs less than sending the body separately from the headers. */
const SHORT_TEXT = 4 * 1024;

/** Writes JSON as bytes, without making strings first. Only one writer may be in use at a time. */
export class JsonWriter {
  /** The buffer of the next writer: each response is written at once, so that one buffer serves all. */
  static #shared = Buffer.allocUnsafe(INITIAL_BYTES);
  #buffer = JsonWriter.#shared;
  #length = 0;

  /** Writes JSON in ASCII. */
  literal(text: string): void {
    const { length } = text;
    this.#makeRoom(length);
    const target = this.#buffer;
    let to = this.#length;
    for (let at = 0; at < length; at++) target[to++] = text.charCodeAt(at);
    this.#length = to;
  }

  /** Writes any value as `JSON.stringify` does. */
  value(value: unknown): void {
    const text = JSON.stringify(value);
    // One UTF-16 unit takes at most three bytes.
    this.#makeRoom(text.length * 3);
    this.#length += this.#buffer.write(text, this.#length);
  }

  /** Writes bytes that are JSON already. */
  copy(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#makeRoom(length);
    if (length >= SHORT) bytes.copy(this.#buffer, this.#length, start, end);
    else {
      const target = this.#buffer;
      let to = this.#length;
      for (let at = start; at < end; at++) target[to++] = bytes[at] as number;
    }
    this.#length += length;
  }

  /** Returns what was written. A short result is a string, because Node sends it in one piece with the headers. */
  take(): string | Buffer {
    if (this.#length <= SHORT_TEXT) return this.#buffer.toString('utf8', 0, this.#length);
    const taken = Buffer.from(this.#buffer.subarray(0, this.#length));
    if (this.#buffer.length > MAX_KEPT) JsonWriter.#shared = Buffer.allocUnsafe(INITIAL_BYTES);
    return taken;
  }

  #makeRoom(length: number): void {
    if (this.#length + length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
    JsonWriter.#shared = larger;
  }
}
