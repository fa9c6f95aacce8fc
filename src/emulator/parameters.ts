import type { UserIdType } from '../genauth/api';
import { isObject } from '../json';
import { malformed } from './envelope';
import type { RequestData } from './request';
import type { Switches } from './switches';

/** Reads a text. @throws {Refusal} 400: it is missing, empty or not a text. */
export function textOf(data: RequestData, name: string): string {
  const value = data[name];
  if (typeof value !== 'string' || value === '') throw malformed(name);
  return value;
}

/** Reads a text that may be missing or null. @throws {Refusal} 400: it is empty or not a text. */
export function optionalTextOf(data: RequestData, name: string): string | undefined {
  return data[name] === undefined || data[name] === null ? undefined : textOf(data, name);
}

/** Reads a flag: a word in a query, a boolean in a body. */
export function flagOf(data: RequestData, name: string): boolean {
  return data[name] === true || data[name] === 'true';
}

/** Reads an object that may be missing. @throws {Refusal} 400: it is not an object. */
export function objectOf(data: RequestData, name: string): RequestData {
  const value = data[name] ?? {};
  if (!isObject(value)) throw malformed(name);
  return value;
}

const MAX_ITEMS = 50;

/** Reads a list of 1 to 50 texts. @throws {Refusal} 400: it is not such a list. */
export function textsOf(data: RequestData, name: string): string[] {
  return checkTexts(data[name], name);
}

/**
 * Reads the ids of a batch in any encoding of the official clients: a list, a text with commas, or a text that holds a
 * JSON list.
 *
 * @throws {Refusal} 400: they are not 1 to 50 texts.
 */
export function batchOf(data: RequestData, name: string, encodings: Switches['batchEncodings']): string[] {
  const value = data[name];
  if (typeof value !== 'string') return checkTexts(value, name);
  if (value.startsWith('[') && (encodings === 'all' || encodings === 'json')) {
    try {
      return checkTexts(JSON.parse(value), name);
    } catch {
      throw malformed(name);
    }
  }
  return checkTexts(encodings === 'all' || encodings === 'comma' ? value.split(',') : [value], name);
}

function checkTexts(value: unknown, name: string): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [];
  const texts = list.filter((item) => typeof item === 'string' && item !== '') as string[];
  if (list.length === 0 || list.length > MAX_ITEMS || texts.length !== list.length) throw malformed(name);
  return texts;
}

const USER_ID_TYPES: readonly UserIdType[] = [
  'user_id',
  'external_id',
  'phone',
  'email',
  'username',
  'identity',
  'sync_relation',
  'custom_field',
];

/** Reads how a request names its user. @throws {Refusal} 400: it is not a documented way. */
export function userIdTypeOf(data: RequestData): UserIdType {
  const given = data['userIdType'] ?? 'user_id';
  const type = USER_ID_TYPES.find((known) => known === given);
  if (type === undefined) throw malformed('userIdType');
  return type;
}
