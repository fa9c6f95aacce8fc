/** Why a caller is not known. For logs and counters: the caller is told none of it. */
export type UnauthenticatedReason =
  | 'credential_missing'
  | 'credential_repeated'
  | 'credential_wrong'
  | 'token_missing'
  | 'token_repeated'
  | 'token_too_large'
  /** Not the scheme `Bearer`, or not a signed JWT. */
  | 'token_malformed'
  /** Not RS256 or ES256. */
  | 'algorithm'
  /** The issuer has no such key, or the token does not say which of several it is. */
  | 'unknown_key'
  /** The issuer has such a key, and it cannot be used: too short, malformed or private. */
  | 'unusable_key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'id_token'
  /** A claim is missing, or is not of its type. */
  | 'claims';

/**
 * It is not known who is asking. There is no `cause`, on purpose: the errors of jose hold the claims, and no credential,
 * token or claim shall be reachable from an error that is logged.
 */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError';
  readonly reason: UnauthenticatedReason;

  constructor(reason: UnauthenticatedReason) {
    super(`the caller is not authenticated (${reason})`);
    this.reason = reason;
  }
}

/** The caller is known and may not do this. Says the same whatever was asked for and whether or not it exists. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError';

  constructor() {
    super('the caller may not do this');
  }
}

/** Why the issuer's keys could not be fetched. */
export type KeysUnavailableReason =
  | 'not_started'
  /** No connection, or none that lasted to the end of the answer. */
  | 'unreachable'
  | 'timeout'
  /** Any status but 200; redirects are not followed. */
  | 'status'
  | 'too_large'
  /** Not what a discovery document or a key set looks like, or without a key for RS256 or ES256. */
  | 'malformed'
  /** The discovery document is another issuer's. */
  | 'issuer'
  /** The discovery document points to a URL that is neither `https:` nor loopback. */
  | 'insecure';

/** There is nothing to verify tokens with, so that nobody can be told apart: not the caller's fault. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
  readonly reason: KeysUnavailableReason;

  constructor(reason: KeysUnavailableReason, options?: ErrorOptions) {
    super(`the keys of the token issuer are not available (${reason})`, options);
    this.reason = reason;
  }
}
