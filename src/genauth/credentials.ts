import type { JSONObject } from '../json';

/**
 * Parts of names of members that hold credentials. Names are compared in lower case, without any character but letters and
 * digits, so that access_token, accessToken and ACCESS-TOKEN are one name. Losing a harmless member costs less than
 * returning a credential.
 */
const CREDENTIAL =
  /token|secret|passw(or)?d|credential|sessionkey|sessionid|apikey|privatekey|authorization|authcode|cookie|jwt|assertion/;

/** Deeper than any provider's profile, and shallow enough for recursion, here and in the serializer of the response. */
const MAX_DEPTH = 32;

/** Copies an object without members that are named like credentials, at any depth. Below 32 levels, objects become null. */
export function withoutCredentials(object: JSONObject, depth = 0): JSONObject {
  // No prototype, so that a key named __proto__ is a key like any other.
  const kept = Object.create(null) as JSONObject;
  for (const [name, value] of Object.entries(object)) {
    if (!CREDENTIAL.test(name.replace(/[^A-Za-z0-9]/g, '').toLowerCase())) kept[name] = copy(value, depth + 1);
  }
  return kept;
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  return Array.isArray(value)
    ? value.map((item) => copy(item, depth + 1))
    : withoutCredentials(value as JSONObject, depth);
}
