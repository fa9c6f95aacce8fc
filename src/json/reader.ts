import { isUtf8 } from 'node:buffer';
import { WordBytes } from './bytes';
import type { ExpectedKey } from './expectedKey';
import { endOfScalar, JsonError } from './scalars';
import { afterSpace, endOfContainer, endOfString } from './scan';

/** The type of a JSON value. */
export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/**
 * Reads a JSON text once, from its first byte to its last. Objects and strings are made only of values that are requested.
 * It accepts exactly what `JSON.parse` accepts: values that are skipped are checked, too.
 */
export class JsonReader extends WordBytes {
  /** Position of the last value or key: its first byte, and the byte after it. */
  start = 0;
  end = 0;
  /** Whether the last string, key or array of strings is written as `JSON.stringify` would write it. */
  isPlain = false;
  #at = 0;
  /** Whether nothing has been read yet of the object or array that was entered last. */
  #isFresh = false;

  /** @param bytes UTF-8, without a byte order mark. */
  private constructor(bytes: Buffer) {
    super(bytes);
  }

  /**
   * Reads a whole text. A byte order mark at its start is ignored; bytes that are not UTF-8 count as U+FFFD, as in `fetch`.
   *
   * @param read Must read exactly one value.
   * @throws {JsonError}
   */
  static read<Value>(body: Buffer, read: (json: JsonReader) => Value): Value {
    const text = isUtf8(body) ? body : Buffer.from(body.toString('utf8'));
    const json = new JsonReader(text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text);
    json.#at = afterSpace(json.bytes, 0);
    const value = read(json);
    if (afterSpace(json.bytes, json.#at) !== json.bytes.length) throw new JsonError();
    return value;
  }

  /**
   * Reads a value again, after the whole text has been read.
   *
   * @param start The first byte of the value.
   * @param read Must read exactly one value, and nothing again.
   */
  readAgain<Value>(start: number, read: (json: JsonReader) => Value): Value {
    this.#at = start;
    return read(this);
  }

  /** Offset of the next value, or of the byte after a container that has been left. */
  get position(): number {
    return this.#at;
  }

  /** Returns the type of the next value. */
  kind(): JsonKind {
    switch (this.bytes[this.#at]) {
      case OPEN_BRACE:
        return 'object';
      case OPEN_BRACKET:
        return 'array';
      case QUOTE:
        return 'string';
      case LETTER_T:
      case LETTER_F:
        return 'boolean';
      case LETTER_N:
        return 'null';
      default:
        return 'number';
    }
  }

  /** Enters the next value, which must be an object or an array. */
  enter(): void {
    this.#at = afterSpace(this.bytes, this.#at + 1);
    this.#isFresh = true;
  }

  /** Moves to the next item of an array. @returns Whether there is one; otherwise the array has been left. */
  nextItem(): boolean {
    return this.#next(CLOSE_BRACKET);
  }

  /** Reads the next key of an object. @returns Whether there is one; otherwise the object has been left. */
  nextKey(): boolean {
    if (!this.#next(CLOSE_BRACE)) return false;
    const { bytes } = this;
    if (bytes[this.#at] !== QUOTE) throw new JsonError();
    this.#readString();
    const colon = afterSpace(bytes, this.#at);
    if (bytes[colon] !== COLON) throw new JsonError();
    this.#at = afterSpace(bytes, colon + 1);
    return true;
  }

  /**
   * Reads the next key of an object if it is the expected one. That takes half as long as `nextKey`.
   *
   * @param key The same key in another spelling, or with spaces around it, does not match.
   * @returns Whether the key matched; otherwise nothing has been read.
   */
  takeKey(key: ExpectedKey): boolean {
    const { bytes } = this;
    const at = this.#isFresh ? this.#at : this.#at + 1;
    if (!this.#isFresh && bytes[this.#at] !== COMMA) return false;
    if (!key.isAt(this, at)) return false;
    this.#isFresh = false;
    this.start = at;
    this.end = at + key.length - 1;
    this.#at = afterSpace(bytes, this.end + 1);
    return true;
  }

  /** Returns the last key or string. */
  text(): string {
    return this.#parsed() as string;
  }

  /** Whether the last key is this one. @param name Printable ASCII. */
  isKey(name: string): boolean {
    const { length } = name;
    const { bytes, start } = this;
    if (!this.isPlain) return this.#parsed() === name;
    if (this.end - start !== length + 2) return false;
    for (let offset = 0; offset < length; offset++) {
      if (bytes[start + 1 + offset] !== name.charCodeAt(offset)) return false;
    }
    return true;
  }

  /** Reads a value of any type, without making an object or a string. */
  skip(): void {
    const start = this.#at;
    const byte = this.bytes[start];
    if (byte === QUOTE) return this.#readString();
    this.#at =
      byte === OPEN_BRACE || byte === OPEN_BRACKET ? endOfContainer(this, start) : endOfScalar(this.bytes, start);
    this.start = start;
    this.end = this.#at;
    return undefined;
  }

  /** Reads a value of any type. @returns Whether it is a string. */
  string(): boolean {
    const isString = this.bytes[this.#at] === QUOTE;
    this.skip();
    return isString;
  }

  /** Reads a value of any type. @returns Whether it is an array of strings. */
  strings(): boolean {
    const start = this.#at;
    if (this.bytes[start] !== OPEN_BRACKET) {
      this.skip();
      return false;
    }
    let areStrings = true;
    let isPlain = true;
    // The opening bracket, then each item with the comma or bracket after it. Any further bytes are spaces.
    let length = 1;
    this.enter();
    while (this.nextItem()) {
      areStrings = this.string() && areStrings;
      isPlain = this.isPlain && isPlain;
      length += this.end - this.start + 1;
    }
    this.start = start;
    this.end = this.#at;
    this.isPlain = isPlain && this.end - start === Math.max(2, length);
    return areStrings;
  }

  /** Reads a value, as `JSON.parse` does. */
  value(): unknown {
    this.skip();
    return this.#parsed();
  }

  #next(close: number): boolean {
    const { bytes } = this;
    const at = afterSpace(bytes, this.#at);
    const byte = bytes[at];
    if (byte === close) {
      this.#at = at + 1;
      this.#isFresh = false;
      return false;
    }
    if (this.#isFresh) {
      this.#isFresh = false;
      this.#at = at;
    } else {
      if (byte !== COMMA) throw new JsonError();
      this.#at = afterSpace(bytes, at + 1);
    }
    return true;
  }

  #readString(): void {
    const end = endOfString(this, this.#at);
    this.start = this.#at;
    this.isPlain = end > 0;
    this.end = this.#at = end < 0 ? -end : end;
  }

  #parsed(): unknown {
    const isPlainString = this.isPlain && this.bytes[this.start] === QUOTE;
    if (isPlainString) return this.bytes.toString('utf8', this.start + 1, this.end - 1);
    return JSON.parse(this.bytes.toString('utf8', this.start, this.end));
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
