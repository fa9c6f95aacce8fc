/** Where bytes are gathered, for as long as one answer is written. Answers are written without a pause, one at a time. */
let scratch = Buffer.allocUnsafe(64 * 1024);
/** What is kept from one answer to the next. */
const MAX_KEPT = 2 * 1024 * 1024;

/** Below this, a loop is faster than the call of a native copy. */
const SHORT = 64;

/** Up to this, making a string costs less than a second piece to send. */
const SHORT_TEXT = 4 * 1024;

/** Writes JSON as bytes, without making strings first. Only one may be in use at a time. */
export class JsonWriter {
  #length = 0;

  /** Writes JSON in ASCII. */
  literal(text: string): void {
    const { length } = text;
    this.#makeRoom(length);
    for (let at = 0; at < length; at++) scratch[this.#length + at] = text.charCodeAt(at);
    this.#length += length;
  }

  /** Writes any value as `JSON.stringify` does. */
  value(value: unknown): void {
    const text = JSON.stringify(value);
    // A unit of UTF-16 takes three bytes at most.
    this.#makeRoom(text.length * 3);
    this.#length += scratch.write(text, this.#length);
  }

  /** Writes bytes that are JSON already. */
  copy(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#makeRoom(length);
    if (length >= SHORT) bytes.copy(scratch, this.#length, start, end);
    else {
      const target = scratch;
      let to = this.#length;
      for (let at = start; at < end; at++) target[to++] = bytes[at] as number;
    }
    this.#length += length;
  }

  /** Takes what was written: as text where that is short, because it can go out in one piece with what comes before it. */
  take(): string | Buffer {
    if (this.#length <= SHORT_TEXT) return scratch.toString('utf8', 0, this.#length);
    const taken = Buffer.from(scratch.subarray(0, this.#length));
    if (scratch.length > MAX_KEPT) scratch = Buffer.allocUnsafe(64 * 1024);
    return taken;
  }

  #makeRoom(length: number): void {
    if (this.#length + length <= scratch.length) return;
    const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, this.#length + length));
    scratch.copy(larger, 0, 0, this.#length);
    scratch = larger;
  }
}
