/** Any JSON object. */
export type JSONObject = { [key: string]: unknown };

/** One link between a user and an identity source, read from GenAuth's `IdentityDto`. */
export interface Identity {
  id: string;
  extIdpId: string;
  provider: string;
  type: string;
  userIdInIdp: string;
  /** Without credentials at any depth. Null when GenAuth sent none, or something other than an object. */
  userInfoInIdp: JSONObject | null;
  originConnIds: readonly string[];
}

// Compared with all but letters and digits taken out and in lower case, so that access_token, accessToken and
// ACCESS-TOKEN are one name. A substring is enough: losing a harmless field costs less than showing a credential.
const CREDENTIAL =
  /token|secret|passw(or)?d|credential|sessionkey|sessionid|apikey|privatekey|authorization|authcode|cookie|jwt|assertion/;

// Deeper than any provider's profile, and shallow enough that neither this nor the answer's serializer can overflow.
const MAX_DEPTH = 32;

/**
 * Reads a row of GenAuth's identities.
 *
 * @returns null when the row lacks what every identity has. The caller decides what that spoils; it is never skipped,
 *   because a row that goes missing would look like an identity that is unlinked.
 */
export function readIdentity(row: unknown): Identity | null {
  if (!isObject(row)) return null;
  const { identityId, extIdpId, provider, type, userIdInIdp, userInfoInIdp, originConnIds } = row;
  if (
    typeof identityId !== 'string' ||
    typeof extIdpId !== 'string' ||
    typeof provider !== 'string' ||
    typeof type !== 'string' ||
    typeof userIdInIdp !== 'string'
  ) {
    return null;
  }
  const connections = originConnIds ?? [];
  if (!Array.isArray(connections) || !connections.every((id) => typeof id === 'string')) return null;
  return {
    id: identityId,
    extIdpId,
    provider,
    type,
    userIdInIdp,
    userInfoInIdp: isObject(userInfoInIdp) ? withoutCredentials(userInfoInIdp, 0) : null,
    originConnIds: connections,
  };
}

/**
 * Reads a list of identities.
 *
 * @returns null when it is not a list, or when a row of it cannot be read.
 */
export function readIdentities(rows: unknown): Identity[] | null {
  if (!Array.isArray(rows)) return null;
  const identities: Identity[] = [];
  for (const row of rows) {
    const identity = readIdentity(row);
    if (identity === null) return null;
    identities.push(identity);
  }
  return identities;
}

export function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutCredentials(object: JSONObject, depth: number): JSONObject {
  // No prototype: a key named __proto__ stays a key.
  const kept = Object.create(null) as JSONObject;
  for (const [name, value] of Object.entries(object)) {
    if (!CREDENTIAL.test(name.replace(/[^A-Za-z0-9]/g, '').toLowerCase()))
      kept[name] = withoutCredentialsIn(value, depth + 1);
  }
  return kept;
}

function withoutCredentialsIn(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  return Array.isArray(value)
    ? value.map((item) => withoutCredentialsIn(item, depth + 1))
    : withoutCredentials(value as JSONObject, depth);
}
