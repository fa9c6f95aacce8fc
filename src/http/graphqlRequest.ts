import { parse } from 'secure-json-parse';
import type { GraphQLRequest } from '../graphql';
import { isObject } from '../json';
import { Rejection } from './rejections';

/**
 * Reads a body as a GraphQL request. Lists of requests are not accepted. Documents are not stored, so that the hash of a
 * document (`extensions.persistedQuery`) is ignored beside the document, and rejected in its place.
 *
 * An empty operation name counts as absent: no operation can have it (https://spec.graphql.org/October2021/#Name).
 *
 * @throws {Rejection} The body is not JSON, would change a prototype, or does not have the form of a GraphQL request.
 */
export function parseGraphQLRequest(bytes: Buffer): GraphQLRequest {
  const body = parseJson(bytes.toString());
  if (!isObject(body)) throw new Rejection(400);
  const { query = null, operationName = null, variables = null, extensions = null } = body;
  if (
    (operationName !== null && typeof operationName !== 'string') ||
    (variables !== null && !isObject(variables)) ||
    (extensions !== null && !isObject(extensions))
  ) {
    throw new Rejection(400);
  }
  const hash = extensions?.['persistedQuery'] ?? null;
  if ((query === null || query === '') && hash !== null) throw new Rejection('PERSISTED_QUERY_NOT_SUPPORTED');
  if (typeof query !== 'string' || query === '') throw new Rejection(400);
  return { query, operationName: operationName === '' ? null : operationName, variables };
}

/** @returns undefined if the text is not JSON, or would change a prototype. */
function parseJson(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
