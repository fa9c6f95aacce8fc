import type { JsonReader } from '../json';
import { DEFAULT_TYPE, readInside, readText, readTexts } from './columns';

/** The columns of an identity that decide whether an unlink removes it. They can be read even if other columns cannot. */
export interface Account {
  /** Null for a row without a usable id. */
  readonly id: string | null;
  /** Null for a row that names no source. */
  readonly extIdpId: string | null;
  readonly type: string;
  /** Null for a row without an account. */
  readonly userIdInIdp: string | null;
  readonly originConnIds: readonly string[];
}

/** A row of `identities`. Its columns may be of unexpected kinds. */
export interface OddRow extends Account {
  readonly provider: string | null;
  /** JSON of any kind, or null if the row has none. */
  readonly userInfoInIdp: Buffer | null;
}

/**
 * Reads the member `identities` with columns that GenAuth does not document, such as numbers, null, and texts that contain
 * lists. A single object counts as a list of one row. Null rows are skipped.
 *
 * @returns null if it is neither a list, nor a row, nor null, nor a text that contains one of these.
 * @see docs/genauth-api.md#unexpected-columns
 */
export function readOddRows(json: JsonReader): OddRow[] | null {
  switch (json.kind()) {
    case 'array': {
      const rows: OddRow[] = [];
      json.enter();
      while (json.nextItem()) {
        if (json.kind() === 'null') json.skip();
        else rows.push(readOddRow(json));
      }
      return rows;
    }
    case 'object':
      return [readOddRow(json)];
    case 'string':
      return readInside(json.value() as string, readOddRows);
    case 'null':
      json.skip();
      return [];
    default:
      json.skip();
      return null;
  }
}

/** Reads a value of any kind. All columns of a row that is not an object are missing. */
function readOddRow(json: JsonReader): OddRow {
  let id: string | null = null;
  let extIdpId: string | null = null;
  let provider: string | null = null;
  let type = DEFAULT_TYPE;
  let userIdInIdp: string | null = null;
  let userInfoInIdp: Buffer | null = null;
  let originConnIds: string[] = [];
  if (json.kind() === 'object') {
    json.enter();
    while (json.nextKey()) {
      if (json.isKey('identityId')) id = readText(json);
      else if (json.isKey('extIdpId')) extIdpId = readText(json);
      else if (json.isKey('provider')) provider = readText(json);
      else if (json.isKey('type')) type = readText(json) ?? DEFAULT_TYPE;
      else if (json.isKey('userIdInIdp')) userIdInIdp = readText(json);
      else if (json.isKey('originConnIds')) originConnIds = readTexts(json);
      else if (json.isKey('userInfoInIdp')) {
        json.skip();
        userInfoInIdp = json.bytes.subarray(json.start, json.end);
      } else json.skip();
    }
  } else json.skip();
  return { id, extIdpId, provider, type, userIdInIdp, originConnIds, userInfoInIdp };
}

/**
 * Returns each identity once. Rows with the same id, source, type and user at the provider are one identity, whose first row
 * counts.
 *
 * @returns null if a row has no usable id, or the id of another identity: an id must be unique within its user.
 */
export function distinctRows(rows: readonly OddRow[]): OddRow[] | null {
  const distinct = new Map<string, OddRow>();
  for (const row of rows) {
    if (row.id === null) return null;
    const known = distinct.get(row.id);
    if (known === undefined) distinct.set(row.id, row);
    else if (!isSameIdentity(row, known)) return null;
  }
  return [...distinct.values()];
}

function isSameIdentity(a: OddRow, b: OddRow): boolean {
  return a.extIdpId === b.extIdpId && a.type === b.type && a.userIdInIdp === b.userIdInIdp;
}

/** Writes rows as GenAuth documents them, except that a missing column is null. */
export function toPlainJson(rows: readonly OddRow[]): Buffer {
  const parts = rows.flatMap(({ id, userInfoInIdp, ...columns }, index) => [
    Buffer.from(`${index === 0 ? '[' : ','}{"userInfoInIdp":`),
    userInfoInIdp ?? NULL,
    Buffer.from(`,${JSON.stringify({ identityId: id, ...columns }).slice(1)}`),
  ]);
  return Buffer.concat([...parts, Buffer.from(rows.length === 0 ? '[]' : ']')]);
}

const NULL = Buffer.from('null');
