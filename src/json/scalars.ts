/** A text is not JSON. */
export class JsonError extends Error {
  override readonly name = 'JsonError';

  constructor() {
    super('not JSON');
  }
}

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

/** @returns The last byte of an escape. @param start The byte after the backslash. */
export function endOfEscape(bytes: Buffer, start: number): number {
  const byte = bytes[start] ?? 0;
  if (ESCAPES.has(byte)) return start;
  if (byte !== LETTER_U || !HEX.test(bytes.toString('latin1', start + 1, start + 5))) throw new JsonError();
  return start + 4;
}

const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const HEX = /^[0-9A-Fa-f]{4}$/;

/** @returns The byte after a number, `true`, `false` or `null`. */
export function endOfScalar(bytes: Buffer, start: number): number {
  const word = WORDS.get(bytes[start]);
  if (word === undefined) return endOfNumber(bytes, start);
  for (let offset = 0; offset < word.length; offset++) {
    if (bytes[start + offset] !== word.charCodeAt(offset)) throw new JsonError();
  }
  return start + word.length;
}

const WORDS: ReadonlyMap<number | undefined, string> = new Map([
  [LETTER_T, 'true'],
  [LETTER_F, 'false'],
  [LETTER_N, 'null'],
]);

function endOfNumber(bytes: Buffer, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  at = bytes[at] === ZERO ? at + 1 : afterDigits(bytes, at);
  if (bytes[at] === DOT) at = afterDigits(bytes, at + 1);
  if (((bytes[at] ?? 0) | 0x20) === LETTER_E) {
    const sign = bytes[at + 1];
    at = afterDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
  }
  return at;
}

/** @returns The byte after one or more digits. */
function afterDigits(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[at] ?? 0) at++;
  if (at === from) throw new JsonError();
  return at;
}
