/**
 * The door to who is asking and what they may do. Nothing in here knows GraphQL, listeners or the environment.
 *
 * Withheld on purpose: the key set, so that there is no way to a token's claims but through `TokenVerifier`.
 */
export { type Authenticator, type AuthenticatorOptions, type AuthMode, createAuthenticator } from './authenticator';
export {
  ForbiddenError,
  KeysUnavailableError,
  type KeysUnavailableReason,
  UnauthenticatedError,
  type UnauthenticatedReason,
} from './errors';
export { type Actor, type Caller, createPolicy, isSelf, type Policy, type PolicyOptions, TRUSTED } from './policy';
export { createRouterCredential, type RouterCredential } from './router';
export { createTokenVerifier, type TokenVerifier, type TokenVerifierOptions } from './token';
