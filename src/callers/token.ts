import { hash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type KeysUnavailableError, UnauthenticatedError, type UnauthenticatedReason } from './errors';
import { type Keys, KeySet } from './jwks';
import type { Actor } from './policy';

export interface TokenVerifierOptions {
  /** Who signs the tokens: their claim `iss`, to the letter. */
  issuer: string;
  /** One of these must be in the claim `aud`. */
  audience: readonly string[];
  /** Where the issuer's keys are. Null: where its discovery document says. */
  jwksUri: string | null;
  /** Default: 30. Seconds by which the issuer's clock may differ from ours. */
  clockSkewS?: number;
  /** Default: 300 000. Milliseconds from one fetch of the keys in the background to the next. */
  refreshMs?: number;
  /** Told of every fetch of the keys that failed. Its `cause` may name the issuer's address. */
  onKeysFailure?: (error: KeysUnavailableError) => void;
  /** Default: the system's. Both in milliseconds: the time of day, and a clock that never goes back. */
  clock?: { epochMs: () => number; elapsedMs: () => number };
}

/** Turns a caller's access token into an actor. */
export interface TokenVerifier {
  /**
   * @param values Every value of the header `Authorization`, as `headersDistinct` has them: `headers` would hide repeated
   *   ones.
   * @param shown What else of the request had to be right before this was called. Default: nothing. The token is remembered
   *   together with it.
   * @throws {UnauthenticatedError} The token says nothing that can be relied on.
   * @throws {KeysUnavailableError} No keys of the issuer were ever loaded, or none for 24 hours.
   */
  verify(values: readonly string[], shown?: readonly string[]): Promise<Actor>;
  /** The actor of a token that was verified before, beside the same `shown`, and still counts; null of any other. */
  recall(values: readonly string[], shown?: readonly string[]): Actor | null;
  /** Whether there are keys to verify with. */
  ready(): boolean;
  /** Begins to load the keys. Resolves when the first attempt is over, well or not; others follow until `close`. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Verified {
  actor: Actor;
  /** By the time of day. */
  expiresAtMs: number;
  /** What it was verified with: after a change of keys it is verified again. */
  keys: Keys;
}

/** About 3 MB. */
const MAX_REMEMBERED = 10_000;
const ALGORITHMS = ['RS256', 'ES256'];
const MAX_HEADER_LENGTH = 8 * 1024;
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/**
 * Makes the verification of access tokens: RS256 or ES256, from one issuer, for one of our audiences, with an expiry.
 *
 * Keys come from the issuer alone: nothing that a token says can point to another one.
 *
 * @see genauth-wire.md, section 8
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, clockSkewS = 30, refreshMs = 300_000, onKeysFailure = () => undefined } = options;
  const clock = options.clock ?? { epochMs: () => Date.now(), elapsedMs: () => performance.now() };
  // jose leaves out the check of an option that is empty.
  if (issuer === '') throw new TypeError('issuer must not be empty');
  if (audience.length === 0 || audience.includes(''))
    throw new TypeError('audience must hold at least one, none empty');
  const keySet = new KeySet({
    issuer,
    jwksUri: options.jwksUri,
    refreshMs,
    elapsedMs: clock.elapsedMs,
    onFailure: onKeysFailure,
  });

  /**
   * What headers were verified, by their digest: their texts are credentials, which nobody should find in this memory. A
   * caller sends the same token with every request of a page: its signature is verified once.
   */
  const verified = new LRUCache<string, Verified>({ max: MAX_REMEMBERED });

  function recall(values: readonly string[], shown: readonly string[] = []): Actor | null {
    const [value] = values;
    if (values.length !== 1 || value === undefined || value.length > MAX_HEADER_LENGTH) return null;
    const known = verified.get(digestOf(value, shown));
    const isGood = known !== undefined && known.keys === keySet.held() && clock.epochMs() < known.expiresAtMs;
    return isGood ? known.actor : null;
  }

  async function checkWithKeys(token: string): Promise<Verified> {
    const keys = await keySet.current();
    try {
      return await check(token, keys);
    } catch (error) {
      if (!isAboutTheKey(error)) throw error;
      const newer = await keySet.newer(keys);
      if (newer === null) throw error;
      return check(token, newer);
    }
  }

  async function check(token: string, keys: Keys): Promise<Verified> {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        issuer,
        audience: [...audience],
        requiredClaims: ['exp'],
        clockTolerance: clockSkewS,
        currentDate: new Date(clock.epochMs()),
      }));
    } catch (error) {
      throw new UnauthenticatedError(reasonOf(error));
    }
    // Not past its expiry, whatever skew the first look allowed.
    return { actor: toActor(issuer, payload), expiresAtMs: (payload.exp ?? 0) * 1000, keys };
  }

  return {
    async verify(values, shown = []) {
      const known = recall(values, shown);
      if (known !== null) return known;
      const { value, token } = bearerToken(values);
      const checked = await checkWithKeys(token);
      verified.set(digestOf(value, shown), checked);
      return checked.actor;
    },
    recall,
    ready: () => keySet.ready(),
    start: () => keySet.start(),
    close: () => keySet.close(),
  };
}

/** No header holds the end of a line. */
function digestOf(value: string, shown: readonly string[]): string {
  return hash('sha256', [...shown, value].join('\n'), 'base64');
}

function bearerToken(values: readonly string[]): { value: string; token: string } {
  const [value] = values;
  if (values.length > 1) throw new UnauthenticatedError('token_repeated');
  if (value === undefined || value === '') throw new UnauthenticatedError('token_missing');
  if (value.length > MAX_HEADER_LENGTH) throw new UnauthenticatedError('token_too_large');
  const token = BEARER.exec(value)?.[1];
  if (token === undefined) throw new UnauthenticatedError('token_malformed');
  return { value, token };
}

/** Issuers have been seen to put a new key under an old id, so that a wrong signature may mean a new key, too. */
function isAboutTheKey(error: unknown): boolean {
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
  // All that is left comes from the token's form or from the key; the first kind has a class of its own.
  const ofForm = [errors.JWSInvalid, errors.JWTInvalid, errors.JOSENotSupported].some((type) => error instanceof type);
  return ofForm ? 'token_malformed' : 'unusable_key';
}

/** An id_token has the same issuer, audience and type as an access token. These claims are only ever in the former. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash'];

function toActor(iss: string, payload: JWTPayload): Actor {
  if (ID_TOKEN_CLAIMS.some((claim) => Object.hasOwn(payload, claim))) throw new UnauthenticatedError('id_token');
  const scopes = [...toScopes(payload['scope']), ...toScopes(payload['scopes'])];
  return Object.freeze({
    iss,
    sub: toName(payload.sub),
    azp: toName(payload['azp']),
    scopes: Object.freeze([...new Set(scopes)]),
  });
}

function toName(claim: unknown): string | null {
  if (claim === undefined || claim === null) return null;
  if (typeof claim !== 'string' || claim === '') throw new UnauthenticatedError('claims');
  return claim;
}

function toScopes(claim: unknown): string[] {
  if (claim === undefined || claim === null) return [];
  if (typeof claim === 'string') return claim.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(claim) && claim.every((scope) => typeof scope === 'string')) return claim;
  throw new UnauthenticatedError('claims');
}
