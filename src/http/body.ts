import type { IncomingMessage } from 'node:http';
import { parse } from 'secure-json-parse';
import type { GraphQLRequest } from '../graphql';
import { isObject } from '../json';
import { Rejection } from './rejections';

const MAX_BODY_BYTES = 256 * 1024;

/** JSON is the only content type: others are what browsers send to strangers without asking first. */
const JSON_TYPE = /^application\/json[ \t]*(;|$)/i;

/**
 * Reads the body of a request, whole, as a GraphQL request.
 *
 * @throws {Rejection} By the promise. It is no JSON, too large, or no GraphQL request in form.
 */
export function readGraphQLRequest(request: IncomingMessage): Promise<GraphQLRequest> {
  return new Promise((resolve, reject) => {
    const { 'content-type': type = '', 'content-length': length = '0' } = request.headers;
    if (!JSON_TYPE.test(type)) throw new Rejection(415);
    if (Number(length) > MAX_BODY_BYTES) throw new Rejection(413);
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        // With all that is still to come.
        chunks.length = 0;
        reject(new Rejection(413));
      }
    });
    request.on('end', () => {
      // Decoded at once, because a character may lie across two chunks.
      const [first] = chunks;
      const body = parseBody((chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)).toString());
      if (isGraphQLRequest(body)) resolve(body);
      else reject(new Rejection(400));
    });
    // The client has left: nobody reads this.
    request.on('error', () => reject(new Rejection(400)));
  });
}

/** @returns undefined for what is no JSON, or would change prototypes. */
function parseBody(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether a body is a GraphQL request in form. Neither a list of requests nor the hash of a document that is stored elsewhere
 * is one: nothing is stored.
 */
function isGraphQLRequest(body: unknown): body is GraphQLRequest {
  if (!isObject(body)) return false;
  const { query, operationName = null, variables = null, extensions = null } = body;
  return (
    typeof query === 'string' &&
    query !== '' &&
    (operationName === null || typeof operationName === 'string') &&
    (variables === null || isObject(variables)) &&
    (extensions === null || (isObject(extensions) && !('persistedQuery' in extensions)))
  );
}
