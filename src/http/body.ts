import type { IncomingMessage } from 'node:http';
import { parse } from 'secure-json-parse';
import type { GraphQLRequest } from '../graphql';
import { isObject } from '../json';
import { Rejection } from './rejections';

const MAX_BODY_BYTES = 256 * 1024;

/** The only content type that is accepted: browsers send the others to any origin without a preflight request. */
const JSON_TYPE = /^application\/json[ \t]*(;|$)/i;

/**
 * Reads the body of a request as a GraphQL request.
 *
 * @throws {Rejection} The body is too large, is not JSON, or does not have the form of a GraphQL request.
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
        chunks.length = 0;
        reject(new Rejection(413));
      }
    });
    request.on('end', () => {
      // Decoded as a whole, because a character may be split between two chunks.
      const [first] = chunks;
      const body = parseBody((chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)).toString());
      if (isGraphQLRequest(body)) resolve(body);
      else reject(new Rejection(400));
    });
    // The client has closed the connection, so that this rejection is only logged.
    request.on('error', () => reject(new Rejection(400)));
  });
}

/** @returns undefined if the text is not JSON, or would change a prototype. */
function parseBody(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a body has the form of a GraphQL request. Lists of requests and hashes of stored documents are not accepted. */
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
