import { END_OF_OBJECT, type JsonReader, type JsonWriter, KeySequence, OTHER_KEY } from '../json';
import { holdsCredentials, isCredential } from './credentials';

/** Maximum length of a plain profile, so that a search for credentials is never given up. */
const MAX_BYTES = 4 * 1024;

/** Meanings of keys. `OTHER_KEY`: an object would have the key at another place, or in another spelling. */
const CREDENTIAL = 0;
const HARMLESS = 1;

const KEYS = new KeySequence((json) => {
  if (!json.isPlain) return OTHER_KEY;
  const key = json.text();
  if (/^\d/.test(key)) return OTHER_KEY;
  return isCredential(key) ? CREDENTIAL : HARMLESS;
});

/**
 * Writes a profile without credentials, without making an object of it. It writes the same bytes as `JSON.stringify` does for
 * the result of `readProfile`.
 *
 * @param json A text that has been read.
 * @param start The first byte of the profile.
 * @param end The byte after the profile.
 * @returns Whether the profile is plain: it consists of texts without credentials, lists of them, short integers, booleans
 *   and nulls, and of members that are removed because of their names. Otherwise nothing has been written.
 */
export function writePlainProfile(json: JsonReader, start: number, end: number, out: JsonWriter): boolean {
  if (end - start > MAX_BYTES) return false;
  const { length } = out;
  const isPlain = json.readAgain(start, () => json.kind() === 'object' && writeMembers(json, out));
  if (!isPlain) out.truncate(length);
  return isPlain;
}

function writeMembers(json: JsonReader, out: JsonWriter): boolean {
  const keys: Key[] = [];
  let separator = '{';
  let index = 0;
  json.enter();
  for (let meaning = KEYS.next(json, index); meaning !== END_OF_OBJECT; meaning = KEYS.next(json, ++index)) {
    if (meaning === OTHER_KEY) return false;
    const key = { start: json.start, end: json.end };
    if (keys.some((other) => isSame(json.bytes, key, other))) return false;
    keys.push(key);
    if (meaning === CREDENTIAL) {
      json.skip();
      continue;
    }
    if (!readPlain(json)) return false;
    out.literal(separator);
    separator = ',';
    out.copy(json, key.start, key.end);
    out.literal(':');
    out.copy(json, json.start, json.end);
  }
  out.literal(separator === '{' ? '{}' : '}');
  return true;
}

interface Key {
  start: number;
  end: number;
}

function isSame(bytes: Buffer, key: Key, other: Key): boolean {
  const length = key.end - key.start;
  if (other.end - other.start !== length) return false;
  for (let offset = 0; offset < length; offset++) {
    if (bytes[key.start + offset] !== bytes[other.start + offset]) return false;
  }
  return true;
}

const MAX_DIGITS = 15;

/** Reads a value. @returns Whether it is written as it is. */
function readPlain(json: JsonReader): boolean {
  const kind = json.kind();
  if (kind === 'array') return json.strings() && json.isPlain && isHarmlessList(json);
  json.skip();
  const { bytes, start, end } = json;
  switch (kind) {
    case 'string':
      return json.isPlain && !holdsCredentials(bytes.toString('utf8', start + 1, end - 1));
    case 'number':
      return end - start <= MAX_DIGITS && /^\d+$/.test(bytes.toString('latin1', start, end));
    default:
      return kind === 'boolean' || kind === 'null';
  }
}

const EMPTY_LENGTH = '[]'.length;

/** Whether the last value, a list of texts, has no credentials. A list of two may be a name and its value. */
function isHarmlessList({ bytes, start, end }: JsonReader): boolean {
  if (end - start === EMPTY_LENGTH) return true;
  const texts = JSON.parse(bytes.toString('utf8', start, end)) as string[];
  return texts.length !== 2 && !texts.some((text) => holdsCredentials(text, 2));
}
