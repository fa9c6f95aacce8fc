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

/** A bit for each member that every plain row has: `identityId` and `type`. */
const REQUIRED = (1 << Member.identityId) | (1 << Member.type);

/** Members that may be null or missing. All others but `userInfoInIdp` are strings. */
const NULLABLE = (1 << Member.extIdpId) | (1 << Member.provider) | (1 << Member.userIdInIdp);

/** Length of an empty string with its quotes. */
const EMPTY_LENGTH = 2;

/** Up to this number of rows, comparing all of them with each other is faster than a set. */
const FEW_ROWS = 16;

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

  /**
   * Reads one JSON value, and adds a row if it is an object.
   *
   * @returns Whether it is plain: all columns are of the documented kinds, and none of the texts is empty.
   * @see docs/genauth-api.md#unexpected-columns
   */
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
      const isValid = isNull ? readNull(json, member) : readMember(json, member);
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

  /** Whether two rows have the same `identityId`. @param first The row to begin with. */
  hasRepeatedId(bytes: Buffer, first: number): boolean {
    if (this.#count - first > FEW_ROWS) {
      const ids = new Set<string>();
      for (let row = first; row < this.#count; row++) {
        ids.add(bytes.toString('latin1', this.startOf(row, Member.identityId), this.endOf(row, Member.identityId)));
      }
      return ids.size < this.#count - first;
    }
    for (let row = first + 1; row < this.#count; row++) {
      for (let other = first; other < row; other++) {
        if (this.#haveSameId(bytes, row, other)) return true;
      }
    }
    return false;
  }

  /** Compares from the end, because ids of one user pool begin alike. */
  #haveSameId(bytes: Buffer, row: number, other: number): boolean {
    let at = this.endOf(row, Member.identityId);
    let otherAt = this.endOf(other, Member.identityId);
    const length = at - this.startOf(row, Member.identityId);
    if (otherAt - this.startOf(other, Member.identityId) !== length) return false;
    for (let offset = 0; offset < length; offset++) {
      if (bytes[--at] !== bytes[--otherAt]) return false;
    }
    return true;
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

/** Reads the null of a member. @returns Whether the member may be null. */
function readNull(json: JsonReader, member: number): boolean {
  json.skip();
  return (NULLABLE & (1 << member)) !== 0 || member === Member.originConnIds || member === Member.userInfoInIdp;
}

/** Reads the value of a member. @returns Whether it is of the documented kind. */
function readMember(json: JsonReader, member: number): boolean {
  if (member === Member.originConnIds) return json.strings();
  if (!json.string()) return member === Member.userInfoInIdp;
  if (member === Member.identityId && !json.isPlain) return false;
  return json.end - json.start > EMPTY_LENGTH || member === Member.userInfoInIdp;
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
