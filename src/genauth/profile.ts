import { isObject, type JSONObject, parseJson } from '../json';
import { withoutCredentials } from './credentials';

/** A profile with at most this number of bytes is always parsed. */
const SMALL = 64 * 1024;

/** Maximum number of quotes, commas, brackets and backslashes of a profile: about 10 ms of parsing. */
const MAX_PARTS = 100_000;

/**
 * Reads `userInfoInIdp`, the provider's data about the user, without credentials. Integers beyond 2^53 become texts
 * with all their digits. A text that contains JSON is read like the object in it.
 *
 * @param bytes JSON of any kind.
 * @returns null if it is not an object, or too costly to search for credentials.
 * @see docs/genauth-api.md#profiles
 */
export function readProfile(bytes: Buffer): JSONObject | null {
  if (bytes.length > SMALL && hasManyParts(bytes)) return null;
  const value = parseJson(bytes.toString('utf8'));
  const profile = typeof value === 'string' ? parseJson(value) : value;
  return isObject(profile) ? withoutCredentials(profile) : null;
}

/** A picture has one part, however large it is. */
function hasManyParts(bytes: Buffer): boolean {
  let parts = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (IS_PART[byte] === 1) parts++;
  }
  return parts > MAX_PARTS;
}

const IS_PART = new Uint8Array(256);
for (const byte of Buffer.from('",:[]{}\\')) IS_PART[byte] = 1;
