import { createLocalJWKSet, type JWK } from 'jose';
import { Agent, errors, request } from 'undici';
import { isObject, type JSONObject } from '../json';
import { isSecureUrl } from '../secureUrl';
import { type IssuerDocument, KeysUnavailableError, type KeysUnavailableReason } from './errors';

/** Returns the key that a token's header names. */
export type Keys = ReturnType<typeof createLocalJWKSet>;

export interface KeySetOptions {
  issuer: string;
  /** Null: as the issuer's discovery document says, which is then read before every fetch of the keys. */
  jwksUri: string | null;
  /** Milliseconds between two fetches in the background. */
  refreshMs: number;
  /** A monotonic clock in milliseconds. */
  elapsedMs: () => number;
  /** Called for every failed fetch. */
  onFailure: (error: KeysUnavailableError) => void;
}

/**
 * The minimum time between two fetches because of a token with an unknown key id, also after a failed fetch. An
 * unauthenticated request can contain any key id. A new key of the issuer is accepted after this time at the latest.
 */
const COOLDOWN_MS = 30_000;
/**
 * How long keys are used while the issuer cannot be reached. The time is limited because an attacker with a withdrawn key
 * could otherwise use it for ever by blocking our fetches.
 */
const MAX_STALE_MS = 24 * 60 * 60_000;
/** The pause after the first of consecutive failed fetches, which doubles with each further failure up to the maximum. */
const RETRY_MS = { first: 1_000, max: 30_000 };
/** For one request, from name resolution to the last byte. A request with a new key waits for it. */
const TIMEOUT_MS = 3_000;
/** A key is smaller than 1 KiB, or 5 KiB with certificates. */
const MAX_BODY_BYTES = 256 * 1024;

/**
 * The public keys of the issuer. They are fetched at the start and then in the background, one fetch at a time: a token with
 * a known key never waits, and an outage of the issuer has no effect for 24 hours.
 */
export class KeySet {
  readonly #options: KeySetOptions;
  readonly #agent = new Agent({ maxResponseSize: MAX_BODY_BYTES, headersTimeout: 0, bodyTimeout: 0 });
  #keys: Keys | undefined;
  #keysText = '';
  #loadedAt = 0;
  #fetchedAt = -Infinity;
  #failures = 0;
  #reason: KeysUnavailableReason = 'not_started';
  #pending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: KeySetOptions) {
    if (!isSecureUrl(options.jwksUri ?? options.issuer)) {
      const name = options.jwksUri === null ? 'issuer' : 'jwksUri';
      throw new TypeError(`${name} must be an https: URL, or an http: URL of this machine, without a user name`);
    }
    this.#options = options;
  }

  ready(): boolean {
    return this.#keys !== undefined && this.#options.elapsedMs() - this.#loadedAt < MAX_STALE_MS;
  }

  /** Resolves when the first fetch has ended, whether it succeeded or not. */
  start(): Promise<void> {
    return this.#refresh();
  }

  /**
   * Returns the keys. Waits only if there are none and the first fetch is in progress.
   *
   * @throws {KeysUnavailableError}
   */
  async current(): Promise<Keys> {
    if (!this.ready()) await this.#pending;
    const keys = this.loaded();
    if (keys === null) throw new KeysUnavailableError(this.#reason);
    return keys;
  }

  /** The keys that are loaded and not too old, or null. */
  loaded(): Keys | null {
    return this.ready() ? (this.#keys ?? null) : null;
  }

  /** Returns keys that were fetched after the given ones, or null if there are none and the cooldown has not passed. */
  async newer(than: Keys): Promise<Keys | null> {
    if (this.#keys === than) {
      const due = this.#options.elapsedMs() - this.#fetchedAt >= COOLDOWN_MS;
      await (due ? this.#refresh() : this.#pending);
    }
    return this.#keys === undefined || this.#keys === than ? null : this.#keys;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#agent.destroy();
    await this.#pending;
  }

  /** Never fails. */
  #refresh(): Promise<void> {
    this.#pending ??= this.#load().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #load(): Promise<void> {
    clearTimeout(this.#timer);
    this.#fetchedAt = this.#options.elapsedMs();
    try {
      this.#keys = await this.#fetchKeys();
      this.#loadedAt = this.#fetchedAt;
      this.#failures = 0;
    } catch (error) {
      if (this.#closed) return;
      const failure =
        error instanceof KeysUnavailableError ? error : new KeysUnavailableError('malformed', { cause: error });
      this.#reason = failure.reason;
      this.#failures++;
      this.#options.onFailure(failure);
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#refresh(), this.#pause());
    this.#timer.unref();
  }

  #pause(): number {
    const pause =
      this.#failures === 0
        ? this.#options.refreshMs
        : Math.min(RETRY_MS.first * 2 ** (this.#failures - 1), RETRY_MS.max);
    // Jitter, so that replicas that were started together do not send their fetches together.
    return pause * (0.8 + 0.2 * Math.random());
  }

  async #fetchKeys(): Promise<Keys> {
    const { keys } = await this.#fetchObject('keys', this.#options.jwksUri ?? (await this.#discover()));
    if (!Array.isArray(keys)) throw new KeysUnavailableError('malformed', { document: 'keys' });
    const usable = toVerificationKeys(keys);
    // An empty key set is a mistake of the issuer. The known keys stay in use.
    if (usable.length === 0) throw new KeysUnavailableError('no_keys', { document: 'keys' });
    const text = JSON.stringify(usable);
    // An unchanged key set stays the same object, so that verified tokens stay in the cache.
    if (this.#keys !== undefined && text === this.#keysText) return this.#keys;
    this.#keysText = text;
    return createLocalJWKSet({ keys: usable });
  }

  async #discover(): Promise<string> {
    const base = this.#options.issuer.replace(/\/$/, '');
    const document = await this.#fetchObject('discovery', `${base}/.well-known/openid-configuration`);
    const { issuer, jwks_uri: jwksUri } = document;
    if (issuer !== this.#options.issuer) throw new KeysUnavailableError('issuer', { document: 'discovery' });
    if (typeof jwksUri !== 'string') throw new KeysUnavailableError('malformed', { document: 'discovery' });
    if (!isSecureUrl(jwksUri)) throw new KeysUnavailableError('insecure', { document: 'discovery' });
    return jwksUri;
  }

  async #fetchObject(document: IssuerDocument, url: string): Promise<JSONObject> {
    try {
      const {
        statusCode: status,
        headers,
        body,
      } = await request(url, {
        dispatcher: this.#agent,
        headers: { accept: 'application/json, application/jwk-set+json', 'accept-encoding': 'identity' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await body.text();
      if (status !== 200) throw new KeysUnavailableError('status', { document, status });
      // The size limit counts compressed bytes, and would not limit what they inflate to.
      const encoding = headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') throw new KeysUnavailableError('compressed', { document });
      const value: unknown = JSON.parse(text);
      if (!isObject(value)) throw new KeysUnavailableError('malformed', { document });
      return value;
    } catch (cause) {
      if (cause instanceof KeysUnavailableError) throw cause;
      throw new KeysUnavailableError(reasonOf(cause), { document, cause });
    }
  }
}

function reasonOf(error: unknown): KeysUnavailableReason {
  if (error instanceof SyntaxError) return 'malformed';
  if (error instanceof errors.ResponseExceededMaxSizeError) return 'too_large';
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'timeout';
  return 'unreachable';
}

/**
 * Returns the keys for RS256 and ES256, each once.
 *
 * `key_ops` is checked here and then left out: jose passes it on to WebCrypto, which refuses a public key with any
 * operation besides `verify`. `ext` is left out because it says nothing about public keys.
 */
function toVerificationKeys(keys: readonly unknown[]): JWK[] {
  const usable = new Map<string, JWK>();
  for (const key of keys) {
    if (!isObject(key) || !mayVerify(key)) continue;
    const { key_ops: _operations, ext: _extractable, ...jwk } = key;
    usable.set(JSON.stringify([jwk['kid'], jwk['alg'], jwk['n'], jwk['e'], jwk['x'], jwk['y']]), jwk);
  }
  return [...usable.values()];
}

function mayVerify({ kty, crv, key_ops: operations }: JSONObject): boolean {
  const isForAlgorithms = kty === 'RSA' || (kty === 'EC' && crv === 'P-256');
  return isForAlgorithms && (operations === undefined || (Array.isArray(operations) && operations.includes('verify')));
}
