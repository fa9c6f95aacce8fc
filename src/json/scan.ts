import { BYTES_PER_WORD, type WordBytes } from './bytes';
import { endOfEscape, endOfScalar, JsonError } from './scalars';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;

/** Returns the first byte that is not a space. Nearly all texts have no spaces; a function this small is inlined. */
export function afterSpace(bytes: Buffer, from: number): number {
  return (bytes[from] as number) > 0x20 ? from : afterSpaces(bytes, from);
}

function afterSpaces(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at]) at++;
  return at;
}

/**
 * Reads an object or an array of any content. It is a loop, because a text of any depth would overflow the stack of a recursive
 * function.
 *
 * @returns The byte after the closing bracket.
 * @throws {JsonError}
 */
export function endOfContainer(text: WordBytes, start: number): number {
  const { bytes } = text;
  const { length } = bytes;
  const closing: number[] = [(bytes[start] as number) + 2];
  let close = (bytes[start] as number) + 2;
  let at = afterSpace(bytes, start + 1);
  let isFresh = true;
  while (at < length) {
    const byte = bytes[at] as number;
    if (byte === close) {
      at++;
      closing.pop();
      close = closing.at(-1) ?? 0;
      if (close === 0) return at;
      isFresh = false;
      at = afterSpace(bytes, at);
      continue;
    }
    if (isFresh) isFresh = false;
    else if (byte === COMMA) at = afterSpace(bytes, at + 1);
    else break;
    if (close === CLOSE_BRACE) {
      if (bytes[at] !== QUOTE) break;
      at = afterSpace(bytes, Math.abs(endOfString(text, at)));
      if (bytes[at] !== COLON) break;
      at = afterSpace(bytes, at + 1);
    }
    const first = bytes[at];
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      close = first + 2;
      closing.push(close);
      isFresh = true;
      at = afterSpace(bytes, at + 1);
    } else {
      at = afterSpace(bytes, first === QUOTE ? Math.abs(endOfString(text, at)) : endOfScalar(bytes, at));
    }
  }
  throw new JsonError();
}

/**
 * @returns The byte after the closing quote; negative if the string contains an escape.
 * @throws {JsonError}
 */
export function endOfString({ bytes, words }: WordBytes, quote: number): number {
  const { length } = bytes;
  let sign = 1;
  for (let at = afterOrdinary(words, quote + 1, length - BYTES_PER_WORD); at < length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return sign * (at + 1);
    if (byte < 0x20) break;
    if (byte === BACKSLASH) {
      sign = -1;
      at = endOfEscape(bytes, at + 1);
    }
  }
  throw new JsonError();
}

/** One byte repeated in a word. */
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const SPACES = 0x20202020;
const ONES = 0x01010101;
const HIGH_BITS = 0x80808080;

/**
 * Returns the position of the first quote, backslash or control character. Long strings take two thirds of the time of a loop
 * over their bytes.
 *
 * @param last Position of the last word.
 * @returns A position after `last` if none was found.
 */
function afterOrdinary(words: DataView, from: number, last: number): number {
  let at = from;
  while (at <= last) {
    const word = words.getInt32(at, true);
    const quotes = word ^ QUOTES;
    const backslashes = word ^ BACKSLASHES;
    // `(x - ONES) & ~x` has the high bit of the lowest byte that is zero. That of a byte above it may be set, too.
    const found = ((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes) | ((word - SPACES) & ~word);
    const flags = found & HIGH_BITS;
    if (flags !== 0) return at + ((31 - Math.clz32(flags & -flags)) >> 3);
    at += BYTES_PER_WORD;
  }
  return at;
}
