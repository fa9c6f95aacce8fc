import { isObject, type JSONObject, type JsonReader, type JsonWriter } from '../json';

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

/** What is read of a row, by its names on the wire. */
const MEMBERS = [
  'identityId',
  'extIdpId',
  'provider',
  'type',
  'userIdInIdp',
  'userInfoInIdp',
  'originConnIds',
] as const;
/** The first five are strings in every row: one bit for each. */
const REQUIRED = 0b11111;
const USER_INFO_IN_IDP = 5;
const ORIGIN_CONN_IDS = 6;

/** Where a field of an identity stands among the members. */
const MEMBER_OF: Readonly<Record<keyof Identity, number>> = {
  id: 0,
  extIdpId: 1,
  provider: 2,
  type: 3,
  userIdInIdp: 4,
  userInfoInIdp: USER_INFO_IN_IDP,
  originConnIds: ORIGIN_CONN_IDS,
};

/** Whether a name is a field of an identity. */
export function isIdentityField(name: string): name is keyof Identity {
  return Object.hasOwn(MEMBER_OF, name);
}

/** For each member the first byte, and the byte after it. */
const RANGES_OF_ROW = 2 * MEMBERS.length;

/**
 * Where the members of rows are. Outside of V8's heap, because there is one for every answer: as arrays they would be copied
 * by the garbage collector, and then kept for long, for as many requests as are under way.
 */
export class Ranges {
  ints: Int32Array;
  #used = 0;

  /** @param rows How many are expected; there may be more. */
  constructor(rows = 8) {
    this.ints = new Int32Array(rows * RANGES_OF_ROW);
  }

  get used(): number {
    return this.#used;
  }

  /** Adds a row, all of it 0. @returns Where it begins. */
  addRow(): number {
    const at = this.#used;
    this.#used += RANGES_OF_ROW;
    if (this.#used > this.ints.length) {
      const larger = new Int32Array(2 * this.ints.length);
      larger.set(this.ints);
      this.ints = larger;
    }
    return at;
  }
}

/** How each row is written: what goes before a field, the field, and in the end what goes after the last one. */
export interface RowTemplate {
  fields: readonly { before: Buffer; field: keyof Identity }[];
  after: Buffer;
}

/**
 * The identities of a user, as GenAuth sent them: all of them checked, and made into objects only where somebody wants
 * objects. Most are only written into an answer again.
 */
export class IdentityList {
  static readonly EMPTY = new IdentityList(Buffer.alloc(0), new Ranges(0), 0);

  readonly length: number;
  readonly #bytes: Buffer;
  /**
   * For each member of each row its first byte, and the byte after it: negative where it is not written as
   * `JSON.stringify` would write it. Both 0 where the row does not have it.
   */
  readonly #ranges: Ranges;
  /** Where those of the first row begin. */
  readonly #offset: number;
  #objects: readonly Identity[] | undefined;

  private constructor(bytes: Buffer, ranges: Ranges, offset: number) {
    this.#bytes = bytes;
    this.#ranges = ranges;
    this.#offset = offset;
    this.length = (ranges.used - offset) / RANGES_OF_ROW;
  }

  /**
   * Reads a list of GenAuth's identities.
   *
   * @param ranges Default: its own. The lists of one answer can share where they write down what they found.
   * @returns null when it is not a list, or when a row lacks what every identity has. Such a row is never skipped: a row
   *   that goes missing would look like an identity that is unlinked.
   */
  static read(json: JsonReader, ranges = new Ranges()): IdentityList | null {
    if (json.kind() !== 'array') {
      json.skip();
      return null;
    }
    const offset = ranges.used;
    let isWhole = true;
    json.enter();
    while (json.nextItem()) isWhole = readRow(json, ranges) && isWhole;
    return isWhole ? new IdentityList(json.bytes, ranges, offset) : null;
  }

  toArray(): readonly Identity[] {
    this.#objects ??= Array.from({ length: this.length }, (_, row) => {
      const text = (field: keyof Identity): string => this.#value(row, MEMBER_OF[field]) as string;
      return {
        id: text('id'),
        extIdpId: text('extIdpId'),
        provider: text('provider'),
        type: text('type'),
        userIdInIdp: text('userIdInIdp'),
        userInfoInIdp: this.#userInfoInIdp(row),
        originConnIds: (this.#value(row, ORIGIN_CONN_IDS) ?? []) as string[],
      };
    });
    return this.#objects;
  }

  /** Writes all rows as a JSON array, every value as `JSON.stringify` would write it. */
  write(template: RowTemplate, out: JsonWriter): void {
    const { fields, after } = template;
    const members = fields.map(({ field }) => MEMBER_OF[field]);
    out.literal('[');
    for (let row = 0; row < this.length; row++) {
      if (row > 0) out.literal(',');
      for (let index = 0; index < fields.length; index++) {
        const { before } = fields[index] as (typeof fields)[number];
        out.copy(before, 0, before.length);
        this.#writeMember(row, members[index] as number, out);
      }
      out.copy(after, 0, after.length);
    }
    out.literal(']');
  }

  #at(row: number, member: number): number {
    return this.#offset + row * RANGES_OF_ROW + 2 * member;
  }

  #writeMember(row: number, member: number, out: JsonWriter): void {
    const { ints } = this.#ranges;
    const at = this.#at(row, member);
    const end = ints[at + 1] as number;
    if (member === USER_INFO_IN_IDP) out.value(this.#userInfoInIdp(row));
    else if (end > 0) out.copy(this.#bytes, ints[at] as number, end);
    else out.value(this.#value(row, member) ?? []);
  }

  #value(row: number, member: number): unknown {
    const { ints } = this.#ranges;
    const at = this.#at(row, member);
    const end = Math.abs(ints[at + 1] as number);
    return end === 0 ? undefined : JSON.parse(this.#bytes.toString('utf8', ints[at], end));
  }

  #userInfoInIdp(row: number): JSONObject | null {
    const value = this.#value(row, USER_INFO_IN_IDP);
    return isObject(value) ? withoutCredentials(value, 0) : null;
  }
}

/** Adds where the members of a row are. @returns Whether it is the row of an identity. */
function readRow(json: JsonReader, ranges: Ranges): boolean {
  if (json.kind() !== 'object') {
    json.skip();
    return false;
  }
  const offset = ranges.addRow();
  const { ints } = ranges;
  // One bit for each member that is not what it has to be. Of one that is repeated, the last counts.
  let bad = REQUIRED;
  json.enter();
  let index = 0;
  for (let member = nextMember(json, index); member !== END; member = nextMember(json, ++index)) {
    if (member === NONE) {
      json.skip();
      continue;
    }
    const isNull = json.kind() === 'null';
    const isGood = member === ORIGIN_CONN_IDS ? json.strings() || isNull : json.string() || member === USER_INFO_IN_IDP;
    bad = isGood ? bad & ~(1 << member) : bad | (1 << member);
    ints[offset + 2 * member] = json.start;
    ints[offset + 2 * member + 1] = isNull ? 0 : json.isPlain ? json.end : -json.end;
  }
  return bad === 0;
}

const NONE = -1;
const END = -2;

/** The keys of the row that was read before, in their order: GenAuth writes all rows alike. */
const expected: { key: Buffer; member: number }[] = [];
/** More than a row has keys. */
const MAX_EXPECTED = 32;

/** Reads the next key of a row. @returns Which member it names, `NONE`, or `END` where the row has been left. */
function nextMember(json: JsonReader, index: number): number {
  const next = expected[index];
  if (next !== undefined && json.takeKey(next.key)) return next.member;
  if (!json.nextKey()) return END;
  const member = memberOf(json);
  if (index < MAX_EXPECTED) {
    const key = json.key();
    if (key !== null) expected[index] = { key, member };
  }
  return member;
}

/** Which member the key that was read last names. */
function memberOf(json: JsonReader): number {
  const candidates = json.isPlain ? (MEMBERS_OF_LENGTH[json.end - json.start] ?? NOBODY) : ALL;
  for (let index = 0; index < candidates.length; index++) {
    const member = candidates[index] as number;
    if (json.isKey(MEMBERS[member] as string)) return member;
  }
  return NONE;
}

const ALL = MEMBERS.map((_name, member) => member);
const NOBODY: readonly number[] = [];
/** By the length of a plain key, quotes included: one that is escaped may be any of them in another spelling. */
const MEMBERS_OF_LENGTH = Array.from({ length: 16 }, (_, length) =>
  ALL.filter((member) => MEMBERS[member]?.length === length - 2),
);

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
