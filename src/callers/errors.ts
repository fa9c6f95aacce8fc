/** Why a caller is not authenticated. For logs and metrics: the response does not contain it. */
export type UnauthenticatedReason =
  | 'credential_missing'
  | 'credential_repeated'
  | 'credential_wrong'
  | 'token_missing'
  | 'token_repeated'
  /** The `Authorization` header is longer than 8 KiB. */
  | 'token_too_large'
  /** Not the scheme `Bearer`, or not a signed JWT. */
  | 'token_malformed'
  /** Neither RS256 nor ES256. */
  | 'algorithm'
  /** The key set has no such key, or the token does not say which of several keys signed it. */
  | 'unknown_key'
  /** The key set has such a key, but it cannot be used: it is too short, malformed or private. */
  | 'unusable_key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'id_token'
  /** A claim is missing, or has the wrong type. */
  | 'claims';

/**
 * The caller is not authenticated. This error never has a `cause`: the errors of jose contain the claims, and neither
 * credentials nor claims may be reachable from an error that is logged.
 */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError';
  readonly reason: UnauthenticatedReason;

  constructor(reason: UnauthenticatedReason) {
    super(`the caller is not authenticated (${reason})`);
    this.reason = reason;
  }
}

/** The caller is authenticated but not allowed to do this. The message is the same whether or not the user exists. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError';

  constructor() {
    super('the caller may not do this');
  }
}

/** Why the issuer's keys could not be fetched. */
export type KeysUnavailableReason =
  | 'not_started'
  /** No connection, or it ended before the response was complete. */
  | 'unreachable'
  | 'timeout'
  /** Any status except 200. Redirects are not followed. */
  | 'status'
  | 'too_large'
  /** Not a discovery document, not a key set, or a key set without a key for RS256 or ES256. */
  | 'malformed'
  /** The discovery document belongs to another issuer. */
  | 'issuer'
  /** The discovery document names a key set at a URL that is neither `https:` nor loopback. */
  | 'insecure';

/** No keys are available to verify tokens with. This is not the caller's fault, and a later request may succeed. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
  readonly reason: KeysUnavailableReason;

  constructor(reason: KeysUnavailableReason, options?: ErrorOptions) {
    super(`the keys of the token issuer are not available (${reason})`, options);
    this.reason = reason;
  }
}
