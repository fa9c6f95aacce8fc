import { GraphQLError } from 'graphql';
import type { UserReference } from './context';

/**
 * Whether a representation in `_entities` is a reference to a user. Representations are untyped on the wire. An id that is a
 * number is refused, because JSON numbers lose the digits of long ids.
 */
export function isUserReference(representation: unknown): representation is UserReference {
  if (typeof representation !== 'object' || representation === null) return false;
  const { __typename, id } = representation as { __typename?: unknown; id?: unknown };
  return __typename === 'User' && typeof id === 'string';
}

/** Creates the error of a representation that is not a reference to a user. The other entities are not affected by it. */
export function createRepresentationError(): GraphQLError {
  return new GraphQLError('representation must have __typename "User" and an id that is a string', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
