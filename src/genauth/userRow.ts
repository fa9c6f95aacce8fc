import type { JsonReader } from '../json';
import { IdentityList, Ranges } from './identity';

/** What is looked at of a user, nothing of it checked but the identities. */
export interface UserRow extends Partial<Record<(typeof MEMBERS)[number], unknown>> {
  userId: unknown;
  /** Null when they cannot be read. A user without identities has an empty list, or none at all. */
  identities: IdentityList | null;
}

const MEMBERS = ['email', 'phone', 'username', 'passwordLastSetAt', 'emailVerified', 'phoneVerified'] as const;

/** @returns null when it is not an object. */
export function readUser(json: JsonReader): UserRow | null {
  return readRow(json, new Ranges(), (user) => {
    const member = MEMBERS.find((name) => json.isKey(name));
    if (member === undefined) json.skip();
    else user[member] = json.value();
  });
}

/** Of an answer with the row of an identity in it, at least about so many. */
const BYTES_OF_ROW = 500;

/** Of a list of users, ids and identities. @returns null when it is not a list. */
export function readUsers(json: JsonReader): UserRow[] | null {
  if (json.kind() !== 'array') {
    json.skip();
    return null;
  }
  const users: UserRow[] = [];
  const ranges = new Ranges(Math.ceil(json.bytes.length / BYTES_OF_ROW));
  const skip = (): void => json.skip();
  json.enter();
  while (json.nextItem()) {
    // An unknown user may be missing or null, depending on the installation; both mean the same.
    const user = readRow(json, ranges, skip);
    if (user !== null) users.push(user);
  }
  return users;
}

function readRow(json: JsonReader, ranges: Ranges, readOther: (user: UserRow) => void): UserRow | null {
  if (json.kind() !== 'object') {
    json.skip();
    return null;
  }
  const user: UserRow = { userId: undefined, identities: IdentityList.EMPTY };
  json.enter();
  while (json.nextKey()) {
    if (json.isKey('userId')) user.userId = json.value();
    else if (json.isKey('identities')) user.identities = readIdentities(json, ranges);
    else readOther(user);
  }
  return user;
}

function readIdentities(json: JsonReader, ranges: Ranges): IdentityList | null {
  if (json.kind() !== 'null') return IdentityList.read(json, ranges);
  json.skip();
  return IdentityList.EMPTY;
}
