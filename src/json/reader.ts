import { isUtf8 } from 'node:buffer';

/** What a value is. */
export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/**
 * Where a value stands in a `JsonText`. The root stands at 0. A member's key is a string and stands right before its value.
 */
export type Place = number;

/**
 * A JSON text that has been checked as a whole and is read in place: no object and no string is made of what nobody looks
 * at. It takes what `JSON.parse` takes, nothing more and nothing less.
 */
export class JsonText {
  /** UTF-8. */
  readonly bytes: Buffer;
  readonly #index: Int32Array;

  /** `[]` */
  static readonly EMPTY = new JsonText(Buffer.from('[]'), Int32Array.of(0, 2, 3));

  private constructor(bytes: Buffer, index: Int32Array) {
    this.bytes = bytes;
    this.#index = index;
  }

  /**
   * Checks a text. A byte order mark at its start is forgiven; bytes that are not UTF-8 count as U+FFFD, as for `fetch`.
   *
   * @returns null when it is not JSON.
   */
  static parse(body: Buffer): JsonText | null {
    const text = isUtf8(body) ? body : Buffer.from(body.toString('utf8'));
    const bytes = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text;
    const index = indexOf(bytes);
    return index && new JsonText(bytes, index);
  }

  kind(place: Place): JsonKind {
    switch (this.bytes[this.start(place)]) {
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

  /** The first byte of a value; of a string that is its quote. */
  start(place: Place): number {
    return this.#index[place] as number;
  }

  /** The byte after a value. */
  end(place: Place): number {
    return this.#index[place + 1] as number;
  }

  /** Where the first item of an array stands, or the first key of an object: `after` where there is none. */
  first(place: Place): Place {
    return place + ENTRY;
  }

  /** Where what follows a value stands, or would stand, whatever it holds. */
  after(place: Place): Place {
    return this.isContainer(place) ? (this.#index[place + 2] as number) : place + ENTRY;
  }

  isContainer(place: Place): boolean {
    const byte = this.bytes[this.start(place)];
    return byte === OPEN_BRACE || byte === OPEN_BRACKET;
  }

  isString(place: Place): boolean {
    return this.bytes[this.start(place)] === QUOTE;
  }

  /** Whether a string stands there as `JSON.stringify` would write it, so that its bytes can be copied. */
  isPlain(place: Place): boolean {
    return this.#index[place + 2] === PLAIN;
  }

  /** Whether a key is this one. @param name Printable ASCII. */
  isKey(place: Place, name: string): boolean {
    if (!this.isPlain(place)) return this.value(place) === name;
    const start = this.start(place) + 1;
    if (this.end(place) - start - 1 !== name.length) return false;
    for (let offset = 0; offset < name.length; offset++) {
      if (this.bytes[start + offset] !== name.charCodeAt(offset)) return false;
    }
    return true;
  }

  /** Where a member of an object stands. Of repeated ones the last counts, as for `JSON.parse`. */
  member(object: Place, name: string): Place | null {
    let found: Place | null = null;
    if (this.kind(object) !== 'object') return null;
    for (let key = this.first(object); key < this.after(object); key = this.after(key + ENTRY)) {
      if (this.isKey(key, name)) found = key + ENTRY;
    }
    return found;
  }

  /** Where the value of a key stands. */
  valueOf(key: Place): Place {
    return key + ENTRY;
  }

  /** Makes of a member of an object what `JSON.parse` would; undefined where there is none. */
  memberValue(object: Place, name: string): unknown {
    const place = this.member(object, name);
    return place === null ? undefined : this.value(place);
  }

  /** Makes a string. */
  text(place: Place): string {
    return this.isPlain(place)
      ? this.bytes.toString('utf8', this.start(place) + 1, this.end(place) - 1)
      : (this.value(place) as string);
  }

  /** Makes of a value what `JSON.parse` would. */
  value(place: Place): unknown {
    return JSON.parse(this.bytes.toString('utf8', this.start(place), this.end(place)));
  }
}

/** Numbers in the index for each value: its first byte, the byte after it, and what `after` or `isPlain` say. */
const ENTRY = 3;
const PLAIN = 1;
const ESCAPED = 2;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_E = 0x65;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const LETTER_U = 0x75;

/** Goes through a text once. @returns null when it is not JSON. */
function indexOf(bytes: Buffer): Int32Array | null {
  const { length } = bytes;
  // A value or a key takes some ten bytes in most texts.
  let index = new Int32Array(Math.ceil(length / 10) * ENTRY + 2 * ENTRY);
  let used = 0;
  const outer: Place[] = [];
  let container = NONE;
  let isObject = false;
  let at = afterSpace(bytes, 0);
  for (;;) {
    // In an object a key begins here, else a value.
    if (used + 2 * ENTRY > index.length) index = grown(index);
    if (isObject) {
      const end = at < length && bytes[at] === QUOTE ? endOfString(bytes, at) : INVALID;
      if (end === INVALID) return null;
      index[used] = at;
      at = end < 0 ? -end : end;
      index[used + 1] = at;
      index[used + 2] = end < 0 ? ESCAPED : PLAIN;
      used += ENTRY;
      at = afterSpace(bytes, at);
      if (at >= length || bytes[at] !== COLON) return null;
      at = afterSpace(bytes, at + 1);
    }
    if (at >= length) return null;
    const first = bytes[at] as number;
    index[used] = at;
    if (first === QUOTE) {
      const end = endOfString(bytes, at);
      if (end === INVALID) return null;
      at = end < 0 ? -end : end;
      index[used + 1] = at;
      index[used + 2] = end < 0 ? ESCAPED : PLAIN;
      used += ENTRY;
    } else if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      outer.push(container);
      container = used;
      isObject = first === OPEN_BRACE;
      used += ENTRY;
      at = afterSpace(bytes, at + 1);
      if (at >= length) return null;
      if (bytes[at] !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) continue;
    } else {
      at = endOfScalar(bytes, at);
      if (at === INVALID) return null;
      index[used + 1] = at;
      used += ENTRY;
    }
    // A value has ended, or an empty container is about to; with it may end what it is in.
    for (;;) {
      at = afterSpace(bytes, at);
      if (container === NONE) return at === length ? index.subarray(0, used) : null;
      if (at >= length) return null;
      const byte = bytes[at] as number;
      at++;
      if (byte === COMMA) {
        at = afterSpace(bytes, at);
        break;
      }
      if (byte !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return null;
      index[container + 1] = at;
      index[container + 2] = used;
      container = outer.pop() ?? NONE;
      isObject = container !== NONE && bytes[index[container] as number] === OPEN_BRACE;
    }
  }
}

/** In no container. */
const NONE = -1;

function grown(index: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(index.length * 2);
  larger.set(index);
  return larger;
}

/** Stands for a byte that cannot be the end of anything. */
const INVALID = 0;

function afterSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || !(byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)) break;
    at++;
  }
  return at;
}

/** @returns The byte after the closing quote, negative where something in it is escaped, or `INVALID`. */
function endOfString(bytes: Buffer, quote: number): number {
  const { length } = bytes;
  let sign = 1;
  for (let at = quote + 1; at < length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return sign * (at + 1);
    if (byte < 0x20) return INVALID;
    if (byte === BACKSLASH) {
      sign = -1;
      at++;
      const escaped = at < length ? bytes[at] : undefined;
      if (escaped === LETTER_U) {
        for (const end = at + 4; at < end;) {
          at++;
          if (at >= length || !isHexDigit(bytes[at] as number)) return INVALID;
        }
      } else if (escaped === undefined || !ESCAPES.has(escaped)) return INVALID;
    }
  }
  return INVALID;
}

const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

const WORDS = ['true', 'false', 'null'];

/** @returns The byte after a number or a word, or `INVALID`. */
function endOfScalar(bytes: Buffer, start: number): number {
  const word = WORDS.find((candidate) => bytes[start] === candidate.charCodeAt(0));
  if (word === undefined) return endOfNumber(bytes, start);
  const end = start + word.length;
  return bytes.toString('latin1', start, Math.min(end, bytes.length)) === word ? end : INVALID;
}

function endOfNumber(bytes: Buffer, start: number): number {
  let at = start;
  if (bytes[at] === MINUS) at++;
  if (!isDigit(bytes[at])) return INVALID;
  at = bytes[at] === ZERO ? at + 1 : afterDigits(bytes, at);
  if (bytes[at] === DOT) {
    at++;
    if (!isDigit(bytes[at])) return INVALID;
    at = afterDigits(bytes, at);
  }
  if (((bytes[at] ?? 0) | 0x20) === LETTER_E) {
    at++;
    if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
    if (!isDigit(bytes[at])) return INVALID;
    at = afterDigits(bytes, at);
  }
  return at;
}

function afterDigits(bytes: Buffer, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at++;
  return at;
}
