import { IdentityList } from '../../src/genauth';
import { JsonReader } from '../../src/json';

/** Reads a list of identities from the text that GenAuth sends. */
export function readRows(text: string): IdentityList | null {
  return JsonReader.read(Buffer.from(text), (json) => IdentityList.read(json));
}

/** What GenAuth says of a user with these rows. */
export function listOf(rows: readonly object[]): IdentityList {
  const list = readRows(JSON.stringify(rows));
  if (list === null) throw new Error('these are not the rows of identities');
  return list;
}
