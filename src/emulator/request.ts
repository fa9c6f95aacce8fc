import type { IncomingMessage } from 'node:http';
import type { UserIdType } from '../genauth/api';
import { isObject } from '../json';
import { malformed, Refusal } from './envelope';
import type { Switches } from './switches';

/** What a request asks: the parameters of a GET's query, or the body of a POST. */
export type RequestData = Readonly<Record<string, unknown>>;

const MAX_BODY_BYTES = 1024 * 1024;

/** @returns null when it is larger than 1 MiB. The rest of it is read and dropped, so that the answer gets through. */
export function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.on('end', () => resolve(bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString('utf8') : null));
    request.on('error', reject);
  });
}

/**
 * Reads a query as the service's framework does: repeated names and names that end in `[]` are lists, all else is text.
 *
 * @param encodings The switch `batchEncodings`. What it leaves out stays what it is without: a name, or the last value.
 */
export function parseQuery(query: string, encodings: Switches['batchEncodings']): RequestData {
  const data = Object.create(null) as Record<string, string | string[]>;
  if (query === '') return data;
  const brackets = encodings === 'all' || encodings === 'brackets';
  const repeat = encodings === 'all' || encodings === 'repeat';
  for (const [written, value] of new URLSearchParams(query)) {
    const listed = brackets ? /^(.+)\[\d*\]$/.exec(written)?.[1] : undefined;
    const name = listed ?? written;
    const before = data[name];
    if (before === undefined) data[name] = listed === undefined ? value : [value];
    else data[name] = listed !== undefined || repeat ? [before, value].flat() : value;
  }
  return data;
}

/** @throws {Refusal} It is not a JSON object, or too large. Nothing at all, or another media type, is an empty object. */
export function parseBody(body: string | null, contentType: string | undefined): RequestData {
  if (body === null) throw new Refusal(413, 'bodyTooLarge');
  if (body === '' || contentType?.includes('json') !== true) return {};
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'bodyNotJson');
  }
  if (!isObject(value)) throw new Refusal(400, 'bodyNotJson');
  return value;
}

/** @throws {Refusal} It is missing, empty, or not text. */
export function textOf(data: RequestData, name: string): string {
  const value = data[name];
  if (typeof value !== 'string' || value === '') throw malformed(name);
  return value;
}

/** @throws {Refusal} It is there, and empty or not text. */
export function optionalTextOf(data: RequestData, name: string): string | undefined {
  return data[name] === undefined || data[name] === null ? undefined : textOf(data, name);
}

/** A flag in a query, where it is a word, or in a body. */
export function flagOf(data: RequestData, name: string): boolean {
  return data[name] === true || data[name] === 'true';
}

/** @throws {Refusal} It is there, and not an object. */
export function objectOf(data: RequestData, name: string): RequestData {
  const value = data[name] ?? {};
  if (!isObject(value)) throw malformed(name);
  return value;
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

/** @throws {Refusal} It is none of the documented ones. */
export function userIdTypeOf(data: RequestData): UserIdType {
  const asked = data['userIdType'] ?? 'user_id';
  const type = USER_ID_TYPES.find((known) => known === asked);
  if (type === undefined) throw malformed('userIdType');
  return type;
}
