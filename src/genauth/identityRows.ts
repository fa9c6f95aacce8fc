import { END_OF_OBJECT, type JsonReader, OTHER_KEY } from '../json';
import { keysOf, MemberTable } from './memberTable';

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

/** Rows of one installation have the same keys in the same order. */
const KEYS = keysOf(MEMBERS);

/** Positions of the members of identities in the bytes of one response. Null counts as missing. */
export class IdentityRows extends MemberTable {
  /** @param expected Estimated number of rows; there may be more. */
  constructor(expected = 8) {
    super(MEMBERS.length, expected);
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
    const row = this.addRow();
    // A bit for each member that is missing or invalid. Where a member is repeated, the last one counts.
    let bad = REQUIRED;
    json.enter();
    let index = 0;
    for (let member = KEYS.next(json, index); member !== END_OF_OBJECT; member = KEYS.next(json, ++index)) {
      if (member === OTHER_KEY) {
        json.skip();
        continue;
      }
      const isNull = json.kind() === 'null';
      const isValid = isNull ? readNull(json, member) : readMember(json, member);
      bad = isValid ? bad & ~(1 << member) : bad | (1 << member);
      this.set(row, member, json.start, isNull ? 0 : json.isPlain ? json.end : -json.end);
    }
    return bad === 0;
  }

  /** Whether two rows have the same `identityId`. @param first The row to begin with. */
  hasRepeatedId(bytes: Buffer, first: number): boolean {
    if (this.count - first > FEW_ROWS) {
      const ids = new Set<string>();
      for (let row = first; row < this.count; row++) {
        ids.add(bytes.toString('latin1', this.startOf(row, Member.identityId), this.endOf(row, Member.identityId)));
      }
      return ids.size < this.count - first;
    }
    for (let row = first + 1; row < this.count; row++) {
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
