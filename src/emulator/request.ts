import type { IncomingMessage } from 'node:http';
import { isObject } from '../json';
import { Refusal } from './envelope';
import type { Switches } from './switches';

/** The parameters of a GET's query, or the body of a POST. */
export type RequestData = Readonly<Record<string, unknown>>;

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Reads a body. The rest of a body that is too large is read and dropped, so that the client gets its response.
 *
 * @returns null if the body is larger than 1 MiB.
 */
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
 * Parses a query like GenAuth's web framework: repeated names and names that end in `[]` are lists, all else is text.
 *
 * @param encodings The switch `batchEncodings`. An encoding that it excludes leaves the name or the last value as it is.
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

/**
 * Parses a body. No body, or another media type than JSON, is an empty object.
 *
 * @throws {Refusal} The body is too large or not a JSON object.
 */
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
