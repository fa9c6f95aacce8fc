import { IdentityList, UserRecord } from '../../src/genauth';
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
  return new UserRecord(id, listOf(rows), Buffer.from(JSON.stringify({ userId: id, identities: rows })));
}
