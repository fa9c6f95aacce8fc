export * from '../__generated__/operations';
export { ERROR_CODES, type ErrorCode } from '../errorCodes';
export * from './judge';
export { errorsOf, isUnauthenticated, type ResponseError } from './response';

/** For Apollo Client's `InMemoryCache`: an identity is a part of its user, and a newer list replaces the older one. */
export const typePolicies = {
  User: { fields: { identities: { merge: false }, linkableSources: { merge: false } } },
  Identity: { keyFields: false },
} as const;
