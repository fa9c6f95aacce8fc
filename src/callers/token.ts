import { hash } from 'node:crypto';
import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { type KeysUnavailableError, UnauthenticatedError, type UnauthenticatedReason } from './errors';
import { type Keys, KeySet } from './jwks';
import type { Actor } from './policy';

export interface TokenVerifierOptions {
  /** The issuer that signs the tokens. It must equal their claim `iss`, character for character. */
  issuer: string;
  /** The accepted audiences. The claim `aud` must contain one of them. */
  audience: readonly string[];
  /** The URL of the issuer's key set. Null: as the issuer's discovery document says. */
  jwksUri: string | null;
  /** Default: 30. The difference in seconds that is allowed between the issuer's clock and ours. */
  clockSkewS?: number;
  /** Default: 300 000. Milliseconds between two fetches of the keys in the background. */
  refreshMs?: number;
  /** Called for every failed fetch of the keys. The `cause` of the error may contain the issuer's address. */
  onKeysFailure?: (error: KeysUnavailableError) => void;
  /** Default: the system's clocks. Both in milliseconds: the time of day, and a monotonic clock. */
  clock?: { epochMs: () => number; elapsedMs: () => number };
}

/** Verifies the access tokens of callers. */
export interface TokenVerifier {
  /**
   * Returns the actor that a token describes. The signature of a token is verified once; afterwards the token is recognized
   * by its digest until it expires or the keys change.
   *
   * @param values Every value of the header `Authorization`, as in `headersDistinct`. Node's `headers` keeps only the first.
   * @throws {UnauthenticatedError} The token is missing, or it is not valid.
   * @throws {KeysUnavailableError} The issuer's keys were never loaded, or not for 24 hours.
   */
  verify(values: readonly string[]): Promise<Actor>;
  /** Whether the issuer's keys are available. */
  ready(): boolean;
  /** Begins to load the keys. Resolves when the first attempt has ended; further attempts follow until `close`. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Verified {
  actor: Actor;
  /** In milliseconds of the time of day. */
  expiresAtMs: number;
  /** The keys that the token was verified with. After a change of keys it is verified again. */
  keys: Keys;
}

/** Bounds of the cache. A token with two scopes takes about 500 bytes, one of 8 KiB with 4 000 scopes up to 100 KB. */
const MAX_CACHE = { tokens: 10_000, bytes: 8 * 1024 * 1024 };
const ALGORITHMS = ['RS256', 'ES256'];
const MAX_HEADER_LENGTH = 8 * 1024;
/** @see https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
const MAX_NAME_LENGTH = 255;
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/**
 * Creates the verifier of access tokens: signed with RS256 or ES256 by one issuer, for one of our audiences, and with an
 * expiry.
 *
 * Keys come from the issuer only. Headers of a token that name or contain a key (`jku`, `jwk`, `x5c`) are ignored.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8725
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, clockSkewS = 30, refreshMs = 300_000, onKeysFailure = () => undefined } = options;
  const clock = options.clock ?? { epochMs: () => Date.now(), elapsedMs: () => performance.now() };
  // jose leaves out the check of an option that is empty.
  if (issuer === '') throw new TypeError('issuer must not be empty');
  if (audience.length === 0 || audience.includes(''))
    throw new TypeError('audience must contain at least one value, and no empty one');
  const keySet = new KeySet({
    issuer,
    jwksUri: options.jwksUri,
    refreshMs,
    elapsedMs: clock.elapsedMs,
    onFailure: onKeysFailure,
  });

  /**
   * Verified tokens by the digest of their header. The header itself is a credential and is not kept. A caller sends the
   * same token with every request of a page; an RS256 verification costs about 50 µs.
   */
  const verified = new LRUCache<string, Verified>({
    max: MAX_CACHE.tokens,
    maxSize: MAX_CACHE.bytes,
    sizeCalculation: ({ actor }) => sizeOf(actor),
  });

  function cached(digest: string): Actor | null {
    const known = verified.get(digest);
    const isValid = known !== undefined && known.keys === keySet.loaded() && clock.epochMs() < known.expiresAtMs;
    return isValid ? known.actor : null;
  }

  async function checkWithKeys(token: string): Promise<Verified> {
    const keys = await keySet.current();
    try {
      return await check(token, keys);
    } catch (error) {
      if (!mayBeNewKey(error)) throw error;
      const newer = await keySet.newer(keys);
      if (newer === null) throw error;
      return check(token, newer);
    }
  }

  async function check(token: string, keys: Keys): Promise<Verified> {
    let result: JWTVerifyResult;
    try {
      result = await verifySignature(token, keys, {
        algorithms: ALGORITHMS,
        issuer,
        audience: [...audience],
        requiredClaims: ['exp'],
        clockTolerance: clockSkewS,
        currentDate: new Date(clock.epochMs()),
      });
    } catch (error) {
      throw new UnauthenticatedError(reasonOf(error));
    }
    const { payload, protectedHeader } = result;
    checkKind(payload, protectedHeader.typ);
    // The cache allows no clock skew: after its expiry a token is verified again.
    return { actor: toActor(issuer, payload), expiresAtMs: (payload.exp ?? 0) * 1000, keys };
  }

  return {
    async verify(values) {
      const header = onlyHeader(values);
      const digest = hash('sha256', header, 'base64');
      const known = cached(digest);
      if (known !== null) return known;
      const checked = await checkWithKeys(bearerToken(header));
      verified.set(digest, checked);
      return checked.actor;
    },
    ready: () => keySet.ready(),
    start: () => keySet.start(),
    close: () => keySet.close(),
  };
}

function onlyHeader(values: readonly string[]): string {
  const [header] = values;
  if (values.length > 1) throw new UnauthenticatedError('token_repeated');
  if (header === undefined || header === '') throw new UnauthenticatedError('token_missing');
  if (header.length > MAX_HEADER_LENGTH) throw new UnauthenticatedError('token_too_large');
  return header;
}

function bearerToken(header: string): string {
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw new UnauthenticatedError('token_malformed');
  return token;
}

const CLAIM_ERRORS = [errors.JWTExpired, errors.JWTClaimValidationFailed, errors.JWTInvalid];

/** Verifies a token. If several keys have the `kid` that the token names, each of them is tried. */
async function verifySignature(token: string, keys: Keys, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    const isAmbiguous = error instanceof errors.JWKSMultipleMatchingKeys;
    if (!isAmbiguous || decodeProtectedHeader(token).kid === undefined) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (failure) {
        // jose checks the claims after the signature, so an error of the claims means that this key is the right one.
        if (CLAIM_ERRORS.some((type) => failure instanceof type)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Whether newer keys may help. Some issuers reuse a key id for a new key; then the signature seems wrong. */
function mayBeNewKey(error: unknown): boolean {
  return error instanceof UnauthenticatedError && (error.reason === 'unknown_key' || error.reason === 'signature');
}

const REASON_OF_CLAIM: Readonly<Record<string, UnauthenticatedReason>> = {
  iss: 'issuer',
  aud: 'audience',
  nbf: 'not_yet_valid',
};

function reasonOf(error: unknown): UnauthenticatedReason {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const mismatch = error.reason === 'check_failed' ? REASON_OF_CLAIM[error.claim] : undefined;
    return mismatch ?? 'claims';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'unknown_key';
  // The remaining errors concern the form of the token, which have classes of their own, or the key.
  const isMalformed = [errors.JWSInvalid, errors.JWTInvalid, errors.JOSENotSupported].some(
    (type) => error instanceof type,
  );
  return isMalformed ? 'token_malformed' : 'unusable_key';
}

/** Claims that only an id_token has. Its issuer, audience and `typ` are the same as those of an access token. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash'];
/** @see https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken */
const LOGOUT_TOKEN_TYPE = /^(application\/)?logout\+jwt$/i;

/** Refuses tokens of the same issuer that are not access tokens. */
function checkKind(payload: JWTPayload, type: string | undefined): void {
  if (Object.hasOwn(payload, 'events') || LOGOUT_TOKEN_TYPE.test(type ?? '')) {
    throw new UnauthenticatedError('logout_token');
  }
  if (ID_TOKEN_CLAIMS.some((claim) => Object.hasOwn(payload, claim))) throw new UnauthenticatedError('id_token');
}

function toActor(iss: string, payload: JWTPayload): Actor {
  const scopes = [...toScopes(payload['scope']), ...toScopes(payload['scopes'])];
  return Object.freeze({
    iss,
    sub: toText(payload.sub),
    azp: toText(payload['azp']),
    scopes: Object.freeze([...new Set(scopes)]),
    signedInAt: toMs(payload['auth_time'] ?? payload.iat),
  });
}

/** The approximate number of bytes that the cache needs for an actor. */
function sizeOf({ sub, azp, scopes }: Actor): number {
  const characters = (sub?.length ?? 0) + (azp?.length ?? 0) + scopes.reduce((sum, scope) => sum + scope.length, 0);
  return 400 + characters + 24 * scopes.length;
}

function toMs(seconds: unknown): number | null {
  return typeof seconds === 'number' ? seconds * 1000 : null;
}

function toText(claim: unknown): string | null {
  if (claim === undefined || claim === null) return null;
  if (typeof claim !== 'string' || claim === '' || claim.length > MAX_NAME_LENGTH) {
    throw new UnauthenticatedError('claims');
  }
  return claim;
}

function toScopes(claim: unknown): string[] {
  if (claim === undefined || claim === null) return [];
  if (typeof claim === 'string') return claim.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(claim) && claim.every((scope) => typeof scope === 'string')) return claim;
  throw new UnauthenticatedError('claims');
}
