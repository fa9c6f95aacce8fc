/** Where a number begins that may not survive as a double: one of sixteen digits, or with an exponent. */
const MAY_BE_LONG = /(?:^|[:,[\s])-?(?:\d{16}|\d[\d.]{0,16}[eE])/;

/** A string or a number. In valid JSON nothing else can contain a digit. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Parses JSON whose integers may be longer than a double is exact for, such as the ids of some providers. Integers beyond 2^53
 * become texts with all their digits.
 *
 * @returns undefined for a text that is not JSON.
 */
export function parseJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return MAY_BE_LONG.test(text) ? JSON.parse(text.replace(STRING_OR_NUMBER, quoteIfLong)) : parsed;
  } catch {
    return undefined;
  }
}

function quoteIfLong(token: string): string {
  if (token.startsWith('"')) return token;
  const value = Number(token);
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? token : `"${token}"`;
}
