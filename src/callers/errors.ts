/**
 * Why a caller is not authenticated. For the log: the response does not contain it.
 *
 * @see docs/authentication.md#reasons-of-401
 */
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
  | 'logout_token'
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

/**
 * Why the issuer's keys could not be fetched.
 *
 * @see docs/authentication.md#reasons-of-503
 */
export type KeysUnavailableReason =
  | 'not_started'
  /** No connection, or it ended before the response was complete. */
  | 'unreachable'
  | 'timeout'
  /** Any status except 200. Redirects are not followed. */
  | 'status'
  | 'too_large'
  /** The response has a `content-encoding`, although the request accepts none. */
  | 'compressed'
  /** Not JSON, or neither a discovery document nor a key set. */
  | 'malformed'
  /** The key set has no key for RS256 or ES256 that may verify signatures. */
  | 'no_keys'
  /** The discovery document belongs to another issuer. */
  | 'issuer'
  /** The discovery document names a key set at a URL that is neither `https:` nor loopback. */
  | 'insecure';

/** A document of the issuer that the keys are fetched from. */
export type IssuerDocument = 'discovery' | 'keys';

export interface KeysUnavailableDetails {
  document?: IssuerDocument;
  status?: number;
  cause?: unknown;
}

/** No keys are available to verify tokens with. This is not the caller's fault, and a later request may succeed. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
  readonly reason: KeysUnavailableReason;
  /** The document that could not be fetched. Null: none was requested. */
  readonly document: IssuerDocument | null;
  /** The HTTP status, for the reason `status`. */
  readonly status: number | null;
  /** The error code of the system or of TLS, for the reason `unreachable`. */
  readonly code: string | null;

  constructor(reason: KeysUnavailableReason, details: KeysUnavailableDetails = {}) {
    const { document = null, status = null, cause } = details;
    super(`the keys of the token issuer are not available (${reason})`, { cause });
    this.reason = reason;
    this.document = document;
    this.status = status;
    const code: unknown = (cause as { code?: unknown } | undefined)?.code;
    this.code = reason === 'unreachable' && typeof code === 'string' ? code : null;
  }
}
