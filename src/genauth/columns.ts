import { JsonError, JsonReader } from '../json';

/** The type of an identity whose row has none: GenAuth's own default. @see docs/genauth-api.md#identity */
export const DEFAULT_TYPE = 'generic';

/**
 * Reads a column that holds a text. A number becomes its digits, as they are written.
 *
 * @returns null for null, an empty text, and any other kind of value.
 */
export function readText(json: JsonReader): string | null {
  const kind = json.kind();
  if (kind === 'number') {
    json.skip();
    return json.bytes.toString('utf8', json.start, json.end);
  }
  if (kind === 'string') return (json.value() as string) || null;
  json.skip();
  return null;
}

/**
 * Reads the column `originConnIds`: a list, a text that contains a JSON list, or a text that is one id.
 *
 * @returns An empty list for null and any other kind of value.
 */
export function readTexts(json: JsonReader): string[] {
  if (json.kind() !== 'array') {
    const text = readText(json);
    return text === null ? [] : (parseTexts(text) ?? [text]);
  }
  const texts: string[] = [];
  json.enter();
  while (json.nextItem()) {
    const text = json.kind() === 'string' ? (json.value() as string) : readText(json);
    if (text !== null) texts.push(text);
  }
  return texts;
}

/** @returns null if the text is not a JSON list. */
function parseTexts(text: string): string[] | null {
  return readInside(text, (json) => {
    if (json.kind() === 'array') return readTexts(json);
    json.skip();
    return null;
  });
}

/**
 * Reads the JSON that a text contains.
 *
 * @param read Must read exactly one value.
 * @returns null if the text is not JSON.
 */
export function readInside<Value>(text: string, read: (json: JsonReader) => Value): Value | null {
  try {
    return JsonReader.read(Buffer.from(text), read);
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}
