/** Marks raw JSON inside a text while it passes `JSON.stringify`. Private-use characters do not occur in real data. */
const MARK = '\uE000raw:';
const MARKED = /"\uE000raw:((?:[^"\\]|\\.)*)"/g;

/** A string or a number in a JSON text. Strings are matched so that digits inside them are skipped. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A JSON text that responses contain as it is, for values that JavaScript cannot hold, such as integers beyond 2^53. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Called by `JSON.stringify`; `stringifyJson` puts the text in place of the mark. */
  toJSON(): string {
    return MARK + this.text;
  }
}

/**
 * Puts a JSON text into a seed as it is: `userIdInIdp: rawJson('12345678901234567890')`.
 *
 * @throws {RangeError} The text is not JSON.
 */
export function rawJson(text: string): RawJson {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new RangeError('rawJson() needs a JSON text', { cause: error });
  }
  return new RawJson(text);
}

/** Writes JSON, with every `RawJson` as it was given. */
export function stringifyJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes(MARK)) return text;
  return text.replace(MARKED, (_marked, raw: string) => JSON.parse(`"${raw}"`) as string);
}

/**
 * Reads JSON like `JSON.parse`, except that a number which JavaScript would write differently becomes a `RawJson`.
 *
 * @throws {SyntaxError} The text is not JSON.
 */
export function parseJson(text: string): unknown {
  JSON.parse(text);
  const marked = text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') || String(Number(token)) === token ? token : JSON.stringify(MARK + token),
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new RawJson(value.slice(MARK.length)) : value,
  );
}
