import { JsonReader } from '../json';

/** Longer values of a user, such as a photo, are left out. No column that this service reads is longer. */
const MAX_VALUE_BYTES = 16 * 1024;

/**
 * Copies the JSON of a user without the members that can be large: `userInfoInIdp` of its identities, and every other value of
 * more than 16 KiB. The copy does not keep the response alive that the user was read from.
 */
export function withoutProfiles(user: Buffer): Buffer {
  const parts: Buffer[] = [];
  JsonReader.read(user, (json) => {
    copyMembers(json, parts, () => {
      if (!json.isKey('identities') || json.kind() === 'string') return false;
      copyKey(json, parts);
      copyIdentities(json, parts);
      return true;
    });
  });
  return Buffer.concat(parts);
}

function copyIdentities(json: JsonReader, parts: Buffer[]): void {
  if (json.kind() !== 'array') return copyIdentity(json, parts);
  parts.push(OPEN_BRACKET);
  json.enter();
  for (let isFirst = true; json.nextItem(); isFirst = false) {
    if (!isFirst) parts.push(COMMA);
    copyIdentity(json, parts);
  }
  parts.push(CLOSE_BRACKET);
}

function copyIdentity(json: JsonReader, parts: Buffer[]): void {
  const start = json.position;
  if (json.kind() === 'object') return copyMembers(json, parts, () => json.isKey('userInfoInIdp') && skip(json));
  json.skip();
  parts.push(json.bytes.subarray(start, json.position));
}

/**
 * Copies an object.
 *
 * @param copyMember Copies the member whose key was read last. @returns Whether it did; otherwise it is copied unchanged.
 */
function copyMembers(json: JsonReader, parts: Buffer[], copyMember: () => boolean): void {
  parts.push(OPEN_BRACE);
  json.enter();
  while (json.nextKey()) {
    if (copyMember()) continue;
    const key = json.bytes.subarray(json.start, json.end);
    // Without the member, the user would seem to have no identities.
    const isKept = json.isKey('identities');
    const start = json.position;
    json.skip();
    if (!isKept && json.position - start > MAX_VALUE_BYTES) continue;
    pushKey(key, parts);
    parts.push(json.bytes.subarray(start, json.position));
  }
  parts.push(CLOSE_BRACE);
}

function copyKey(json: JsonReader, parts: Buffer[]): void {
  pushKey(json.bytes.subarray(json.start, json.end), parts);
}

function pushKey(key: Buffer, parts: Buffer[]): void {
  if (parts.at(-1) !== OPEN_BRACE) parts.push(COMMA);
  parts.push(key, COLON);
}

function skip(json: JsonReader): true {
  json.skip();
  return true;
}

const OPEN_BRACE = Buffer.from('{');
const CLOSE_BRACE = Buffer.from('}');
const OPEN_BRACKET = Buffer.from('[');
const CLOSE_BRACKET = Buffer.from(']');
const COMMA = Buffer.from(',');
const COLON = Buffer.from(':');
