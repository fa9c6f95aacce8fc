import { isObject } from '../json';
import { RawJson } from './rawJson';

/** The columns that say which identity a row is. */
export interface RowKey {
  extIdpId: string;
  type: string;
  userIdInIdp: string;
}

/** Returns a column as text: a number as its digits, and undefined for any other value. */
export function columnText(row: unknown, column: string): string | undefined {
  const value = isObject(row) ? row[column] : undefined;
  if (typeof value === 'string') return value;
  if (value instanceof RawJson) return value.text;
  return typeof value === 'number' ? String(value) : undefined;
}

/** Whether an unlink with these parameters would remove this row. A row without a type counts as `generic`. */
export function matches(row: unknown, request: { extIdpId: string; type?: string }): boolean {
  if (columnText(row, 'extIdpId') !== request.extIdpId) return false;
  return request.type === undefined || (columnText(row, 'type') ?? 'generic') === request.type;
}

export function keyOf({ extIdpId, type, userIdInIdp }: RowKey): string {
  return `${extIdpId}\n${type}\n${userIdInIdp}`;
}
