/**
 * The public interface of `callers/`: who the caller is, and what the caller may do. This module knows neither GraphQL nor
 * HTTP listeners nor environment variables.
 *
 * The key set is not exported, so that the claims of a token can only be read through `TokenVerifier`.
 */
export { type Authenticator, type AuthenticatorOptions, type AuthMode, createAuthenticator } from './authenticator';
export {
  ForbiddenError,
  KeysUnavailableError,
  type KeysUnavailableReason,
  UnauthenticatedError,
  type UnauthenticatedReason,
} from './errors';
export {
  type Actor,
  type Caller,
  createPolicy,
  isScope,
  isSelf,
  type Policy,
  type PolicyOptions,
  TRUSTED,
} from './policy';
export { createRouterCredential, isRouterSecret, type RouterCredential } from './router';
export { createTokenVerifier, type TokenVerifier, type TokenVerifierOptions } from './token';
