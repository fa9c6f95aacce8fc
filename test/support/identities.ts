import { IdentityList, type UserRecord } from '../../src/genauth';
import { readUsers } from '../../src/genauth/userRecord';
import { JsonReader } from '../../src/json';

/** Reads a list of identities from GenAuth's JSON. @returns null if a row of it cannot be used. */
export function readRows(text: string): IdentityList | null {
  const read = JsonReader.read(Buffer.from(text), (json) => IdentityList.read(json));
  return typeof read === 'string' ? null : read;
}

/** Makes the list of identities that GenAuth's client reads from these rows. */
export function listOf(rows: readonly object[]): IdentityList {
  const list = readRows(JSON.stringify(rows));
  if (list === null) throw new Error('these are not the rows of identities');
  return list;
}

/** Makes the user that GenAuth's client reads from these rows of identities. */
export function userOf(id: string, rows: readonly object[]): UserRecord {
  return readUser({ userId: id, identities: rows });
}

/** Makes the user that GenAuth's client reads from this row. */
export function readUser(row: object): UserRecord {
  const [user] = JsonReader.read(Buffer.from(JSON.stringify([row])), readUsers) ?? [];
  if (user === undefined) throw new Error('this is not the row of a user');
  return user;
}
