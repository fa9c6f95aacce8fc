import type { JsonReader } from '../json';

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
  const value = json.value();
  return typeof value === 'string' && value !== '' ? value : null;
}

/**
 * Reads the column `originConnIds`: a list, a text that contains a JSON list, or a text that is one id.
 *
 * @returns An empty list for null and any other kind of value.
 */
export function readTexts(json: JsonReader): string[] {
  if (json.kind() !== 'array') {
    const text = readText(json);
    return text === null ? [] : (parseList(text) ?? [text]);
  }
  const texts: string[] = [];
  json.enter();
  while (json.nextItem()) {
    const text = readText(json);
    if (text !== null) texts.push(text);
  }
  return texts;
}

function parseList(text: string): string[] | null {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : null;
  } catch {
    return null;
  }
}
