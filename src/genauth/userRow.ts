import type { JsonReader } from '../json';
import { IdentityList } from './identity';
import { IdentityRows } from './identityRows';

/** The members of a GenAuth user that are read. Only the identities have been validated. */
export interface UserRow extends Partial<Record<(typeof MEMBERS)[number], unknown>> {
  userId: unknown;
  /** Null when they cannot be read. Empty for a user without identities, also where the member is missing. */
  identities: IdentityList | null;
}

const MEMBERS = ['email', 'phone', 'username', 'passwordLastSetAt', 'emailVerified', 'phoneVerified'] as const;

/** Reads one user. @returns null when the value is not an object. */
export function readUser(json: JsonReader): UserRow | null {
  return readRow(json, new IdentityRows(), (user) => {
    const member = MEMBERS.find((name) => json.isKey(name));
    if (member === undefined) json.skip();
    else user[member] = json.value();
  });
}

/** Estimated response bytes per identity, used to size the index of rows. */
const BYTES_PER_IDENTITY = 500;

/** Reads a list of users: only their ids and identities. @returns null when the value is not an array. */
export function readUsers(json: JsonReader): UserRow[] | null {
  if (json.kind() !== 'array') {
    json.skip();
    return null;
  }
  const users: UserRow[] = [];
  const rows = new IdentityRows(Math.ceil(json.bytes.length / BYTES_PER_IDENTITY));
  const skip = (): void => json.skip();
  json.enter();
  while (json.nextItem()) {
    // An unknown user may be missing or null, depending on the installation; both mean the same.
    const user = readRow(json, rows, skip);
    if (user !== null) users.push(user);
  }
  return users;
}

function readRow(json: JsonReader, rows: IdentityRows, readOther: (user: UserRow) => void): UserRow | null {
  if (json.kind() !== 'object') {
    json.skip();
    return null;
  }
  const user: UserRow = { userId: undefined, identities: IdentityList.EMPTY };
  json.enter();
  while (json.nextKey()) {
    if (json.isKey('userId')) user.userId = json.value();
    else if (json.isKey('identities')) user.identities = readIdentities(json, rows);
    else readOther(user);
  }
  return user;
}

function readIdentities(json: JsonReader, rows: IdentityRows): IdentityList | null {
  if (json.kind() !== 'null') return IdentityList.read(json, rows);
  json.skip();
  return IdentityList.EMPTY;
}
