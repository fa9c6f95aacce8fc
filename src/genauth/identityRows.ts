import type { JsonReader } from '../json';

/** The members of an identity that are read, by their names on the wire. */
const MEMBERS = [
  'identityId',
  'extIdpId',
  'provider',
  'type',
  'userIdInIdp',
  'userInfoInIdp',
  'originConnIds',
] as const;

/** Position of each member in `MEMBERS`. */
export const Member = {
  identityId: 0,
  extIdpId: 1,
  provider: 2,
  type: 3,
  userIdInIdp: 4,
  userInfoInIdp: 5,
  originConnIds: 6,
} as const;

/** A bit for each member that every row must have. The first five are strings. */
const REQUIRED = 0b11111;

/** Two numbers for each member: its first byte, and the byte after it. */
const NUMBERS_PER_ROW = 2 * MEMBERS.length;

/**
 * Positions of the members of identities in the bytes of one response.
 *
 * A typed array, because its contents are outside of V8's heap: the garbage collector would copy ordinary arrays and promote
 * them to the old generation.
 */
export class IdentityRows {
  #numbers: Int32Array;
  #count = 0;
  /** The keys of the row before, in order. Most rows have the same, and comparing a key costs half as much as reading it. */
  readonly #keys: { key: Buffer; member: number }[] = [];

  /** @param expected Estimated number of rows; there may be more. */
  constructor(expected = 8) {
    this.#numbers = new Int32Array(expected * NUMBERS_PER_ROW);
  }

  /** Number of rows. */
  get count(): number {
    return this.#count;
  }

  /** First byte of a member. */
  startOf(row: number, member: number): number {
    return this.#numbers[row * NUMBERS_PER_ROW + 2 * member] as number;
  }

  /**
   * The byte after a member; 0 where the row has no such member, or null. Negative where the member is not written as
   * `JSON.stringify` would write it.
   */
  endOf(row: number, member: number): number {
    return this.#numbers[row * NUMBERS_PER_ROW + 2 * member + 1] as number;
  }

  /** Returns a copy of some rows. */
  pick(rows: readonly number[]): IdentityRows {
    const picked = new IdentityRows(rows.length);
    for (const row of rows) {
      const start = row * NUMBERS_PER_ROW;
      picked.#numbers.set(this.#numbers.subarray(start, start + NUMBERS_PER_ROW), picked.#addRow());
    }
    return picked;
  }

  /** Reads one JSON value, and adds a row if it is an object. @returns Whether it is a valid identity. */
  read(json: JsonReader): boolean {
    if (json.kind() !== 'object') {
      json.skip();
      return false;
    }
    const offset = this.#addRow();
    const numbers = this.#numbers;
    // A bit for each member that is missing or invalid. Where a member is repeated, the last one counts.
    let bad = REQUIRED;
    json.enter();
    let index = 0;
    for (let member = this.#nextMember(json, index); member !== END; member = this.#nextMember(json, ++index)) {
      if (member === NONE) {
        json.skip();
        continue;
      }
      const isNull = json.kind() === 'null';
      const isValid =
        member === Member.originConnIds ? json.strings() || isNull : json.string() || member === Member.userInfoInIdp;
      bad = isValid ? bad & ~(1 << member) : bad | (1 << member);
      numbers[offset + 2 * member] = json.start;
      numbers[offset + 2 * member + 1] = isNull ? 0 : json.isPlain ? json.end : -json.end;
    }
    return bad === 0;
  }

  /** Reads the next key of a row. @returns Which member it names, `NONE`, or `END` at the end of the row. */
  #nextMember(json: JsonReader, index: number): number {
    const expected = this.#keys[index];
    if (expected !== undefined && json.takeKey(expected.key)) return expected.member;
    if (!json.nextKey()) return END;
    const member = memberOf(json);
    if (index < MAX_KEYS) {
      const key = json.key();
      if (key !== null) this.#keys[index] = { key, member };
    }
    return member;
  }

  #addRow(): number {
    const offset = this.#count * NUMBERS_PER_ROW;
    this.#count++;
    if (offset + NUMBERS_PER_ROW > this.#numbers.length) {
      const larger = new Int32Array(2 * (offset + NUMBERS_PER_ROW));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    return offset;
  }
}

const NONE = -1;
const END = -2;
/** More keys than a row has. */
const MAX_KEYS = 32;
const ALL = MEMBERS.map((_name, member) => member);
const NO_MEMBERS: readonly number[] = [];
/** Members by the length of their key in JSON, quotes included. */
const MEMBERS_OF_LENGTH = Array.from({ length: 16 }, (_, length) =>
  ALL.filter((member) => MEMBERS[member]?.length === length - 2),
);

/** Which member the last key names, or `NONE`. An escaped key can have any length. */
function memberOf(json: JsonReader): number {
  const candidates = json.isPlain ? (MEMBERS_OF_LENGTH[json.end - json.start] ?? NO_MEMBERS) : ALL;
  for (let index = 0; index < candidates.length; index++) {
    const member = candidates[index] as number;
    if (json.isKey(MEMBERS[member] as string)) return member;
  }
  return NONE;
}
