import { JsonText, type JsonWriter, type Place } from '../json';

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

/** What is read of a row, by its names on the wire; the first five are strings in every row. */
const MEMBERS = [
  'identityId',
  'extIdpId',
  'provider',
  'type',
  'userIdInIdp',
  'userInfoInIdp',
  'originConnIds',
] as const;
const REQUIRED = 5;
const [ID, EXT_IDP_ID, PROVIDER, TYPE, USER_ID_IN_IDP, USER_INFO_IN_IDP, ORIGIN_CONN_IDS] = [0, 1, 2, 3, 4, 5, 6];
const MEMBER_OF = {
  id: ID,
  extIdpId: EXT_IDP_ID,
  provider: PROVIDER,
  type: TYPE,
  userIdInIdp: USER_ID_IN_IDP,
  userInfoInIdp: USER_INFO_IN_IDP,
  originConnIds: ORIGIN_CONN_IDS,
} as const satisfies Record<keyof Identity, number>;
/** A row does not have this member, or has null. */
const ABSENT = -1;

/**
 * The identities of a user, as GenAuth sent them: all of them checked, and made into objects only where somebody wants
 * objects. Most are only written into an answer again.
 */
export class IdentityList {
  readonly length: number;
  readonly #json: JsonText;
  /** Where the members of each row stand, row after row. */
  readonly #places: Int32Array;
  #objects: readonly Identity[] | undefined;

  private constructor(json: JsonText, places: Int32Array) {
    this.#json = json;
    this.#places = places;
    this.length = places.length / MEMBERS.length;
  }

  /**
   * Reads a list of GenAuth's identities.
   *
   * @param at Null: there is none.
   * @returns null when it is not a list, or when a row lacks what every identity has. Such a row is never skipped: a row
   *   that goes missing would look like an identity that is unlinked.
   */
  static read(json: JsonText, at: Place | null): IdentityList | null {
    if (at === null || json.kind(at) !== 'array') return null;
    const places: Place[] = [];
    for (let row = json.first(at); row < json.after(at); row = json.after(row)) {
      if (!readRow(json, row, places)) return null;
    }
    return new IdentityList(json, Int32Array.from(places));
  }

  static readonly EMPTY = new IdentityList(JsonText.EMPTY, new Int32Array(0));

  toArray(): readonly Identity[] {
    this.#objects ??= Array.from({ length: this.length }, (_, row) => this.#toIdentity(row));
    return this.#objects;
  }

  /** Writes one field of one row, as `JSON.stringify` would write it. */
  write(row: number, field: keyof Identity, out: JsonWriter): void {
    const place = this.#place(row, MEMBER_OF[field]);
    if (field === 'userInfoInIdp') out.value(this.#userInfoInIdp(place));
    else if (field === 'originConnIds') this.#writeStrings(place, out);
    else this.#writeString(place, out);
  }

  #place(row: number, member: number): Place {
    return this.#places[row * MEMBERS.length + member] ?? ABSENT;
  }

  #toIdentity(row: number): Identity {
    const text = (member: number): string => this.#json.text(this.#place(row, member));
    return {
      id: text(ID),
      extIdpId: text(EXT_IDP_ID),
      provider: text(PROVIDER),
      type: text(TYPE),
      userIdInIdp: text(USER_ID_IN_IDP),
      userInfoInIdp: this.#userInfoInIdp(this.#place(row, USER_INFO_IN_IDP)),
      originConnIds: this.#originConnIds(this.#place(row, ORIGIN_CONN_IDS)),
    };
  }

  #userInfoInIdp(place: Place): JSONObject | null {
    const value = place === ABSENT ? null : this.#json.value(place);
    return isObject(value) ? withoutCredentials(value, 0) : null;
  }

  #originConnIds(place: Place): string[] {
    return place === ABSENT ? [] : (this.#json.value(place) as string[]);
  }

  #writeString(place: Place, out: JsonWriter): void {
    const json = this.#json;
    if (json.isPlain(place)) out.copy(json.bytes, json.start(place), json.end(place));
    else out.value(json.value(place));
  }

  #writeStrings(place: Place, out: JsonWriter): void {
    out.literal('[');
    if (place !== ABSENT) {
      const json = this.#json;
      for (let item = json.first(place); item < json.after(place); item = json.after(item)) {
        if (item !== json.first(place)) out.literal(',');
        this.#writeString(item, out);
      }
    }
    out.literal(']');
  }
}

/** Adds where the members of a row stand. @returns Whether it is the row of an identity. */
function readRow(json: JsonText, row: Place, places: Place[]): boolean {
  if (json.kind(row) !== 'object') return false;
  const offset = places.length;
  for (let member = 0; member < MEMBERS.length; member++) places.push(ABSENT);
  for (let key = json.first(row); key < json.after(row); key = json.after(json.valueOf(key))) {
    for (let member = 0; member < MEMBERS.length; member++) {
      if (!json.isKey(key, MEMBERS[member] as string)) continue;
      places[offset + member] = json.valueOf(key);
      break;
    }
  }
  for (let member = 0; member < REQUIRED; member++) {
    const place = places[offset + member] as Place;
    if (place === ABSENT || !json.isString(place)) return false;
  }
  const connections = places[offset + ORIGIN_CONN_IDS] as Place;
  if (connections === ABSENT) return true;
  if (json.kind(connections) === 'null') {
    places[offset + ORIGIN_CONN_IDS] = ABSENT;
    return true;
  }
  if (json.kind(connections) !== 'array') return false;
  for (let item = json.first(connections); item < json.after(connections); item = json.after(item)) {
    if (!json.isString(item)) return false;
  }
  return true;
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
