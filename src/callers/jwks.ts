import { createLocalJWKSet, type JWK } from 'jose';
import { Agent, errors, request } from 'undici';
import { isObject } from '../json';
import { KeysUnavailableError, type KeysUnavailableReason } from './errors';

/** Picks the key that a token's header names. */
export type Keys = ReturnType<typeof createLocalJWKSet>;

export interface KeySetOptions {
  issuer: string;
  /** Default: what the issuer's discovery document says, asked again with every fetch. */
  jwksUri: string | null;
  /** Milliseconds from one fetch in the background to the next. */
  refreshMs: number;
  /** A clock that never goes back, in milliseconds. */
  elapsedMs: () => number;
  /** Told of every fetch that failed. */
  onFailure: (error: KeysUnavailableError) => void;
}

/**
 * The least time between two fetches that tokens can bring about, whatever became of the first: strangers can make up as
 * many key ids as they like. A key that the issuer has just begun to use is accepted after this time at the latest.
 */
const COOLDOWN_MS = 30_000;
/** How long known keys serve without the issuer. Longer, and whoever holds a withdrawn key need only block our fetches. */
const MAX_STALE_MS = 24 * 60 * 60_000;
/** The pause after a failed fetch, doubled for each one that follows, and its limit. */
const RETRY_MS = { first: 1_000, limit: 30_000 };
/** For one request, from look-up to last byte. Callers with a new key wait for it. */
const TIMEOUT_MS = 3_000;
/** A key is less than 1 KiB; with certificates, 5. */
const MAX_BODY_BYTES = 256 * 1024;

/**
 * Keeps the issuer's public keys: fetched at the start and then in the background, one fetch at a time, so that a token
 * with a known key never waits and an issuer that is down goes unnoticed for 24 hours.
 */
export class KeySet {
  readonly #options: KeySetOptions;
  readonly #agent = new Agent({ maxResponseSize: MAX_BODY_BYTES, headersTimeout: 0, bodyTimeout: 0 });
  #keys: Keys | undefined;
  #loadedAt = 0;
  #askedAt = -Infinity;
  #failures = 0;
  #reason: KeysUnavailableReason = 'not_started';
  #pending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: KeySetOptions) {
    if (!isSafe(options.jwksUri ?? options.issuer)) {
      const name = options.jwksUri === null ? 'issuer' : 'jwksUri';
      throw new TypeError(`${name} must be an https: URL, or an http: URL of this machine, without a user name`);
    }
    this.#options = options;
  }

  ready(): boolean {
    return this.#keys !== undefined && this.#options.elapsedMs() - this.#loadedAt < MAX_STALE_MS;
  }

  /** Resolves when the first fetch is over, well or not. */
  start(): Promise<void> {
    return this.#refresh();
  }

  /**
   * Waits for a fetch only when there are no keys at all and one is under way.
   *
   * @throws {KeysUnavailableError}
   */
  async current(): Promise<Keys> {
    if (!this.ready()) await this.#pending;
    const keys = this.held();
    if (keys === null) throw new KeysUnavailableError(this.#reason);
    return keys;
  }

  /** The keys, where there are any that still serve. */
  held(): Keys | null {
    return this.ready() ? (this.#keys ?? null) : null;
  }

  /** Keys fetched later than the given ones, or null where there are none and it is too early to ask. */
  async newer(than: Keys): Promise<Keys | null> {
    if (this.#keys === than) {
      const due = this.#options.elapsedMs() - this.#askedAt >= COOLDOWN_MS;
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
    this.#askedAt = this.#options.elapsedMs();
    try {
      this.#keys = await this.#fetchKeys();
      this.#loadedAt = this.#askedAt;
      this.#failures = 0;
    } catch (error) {
      if (this.#closed) return;
      const failure = toFailure(error);
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
        : Math.min(RETRY_MS.first * 2 ** (this.#failures - 1), RETRY_MS.limit);
    // Replicas that started together, or lost the issuer together, do not ask together.
    return pause * (0.8 + 0.2 * Math.random());
  }

  async #fetchKeys(): Promise<Keys> {
    const { keys } = await this.#fetchObject(this.#options.jwksUri ?? (await this.#discover()));
    const usable = Array.isArray(keys) ? keys.filter(isVerificationKey) : [];
    // An issuer without keys has made a mistake; it does not make the known ones wrong.
    if (usable.length === 0) throw new KeysUnavailableError('malformed');
    return createLocalJWKSet({ keys: usable });
  }

  async #discover(): Promise<string> {
    const base = this.#options.issuer.replace(/\/$/, '');
    const document = await this.#fetchObject(`${base}/.well-known/openid-configuration`);
    const { issuer, jwks_uri: jwksUri } = document;
    if (issuer !== this.#options.issuer) throw new KeysUnavailableError('issuer');
    if (typeof jwksUri !== 'string') throw new KeysUnavailableError('malformed');
    if (!isSafe(jwksUri)) throw new KeysUnavailableError('insecure');
    return jwksUri;
  }

  async #fetchObject(url: string): Promise<Record<string, unknown>> {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: this.#agent,
      headers: { accept: 'application/json, application/jwk-set+json', 'accept-encoding': 'identity' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new KeysUnavailableError('status');
    // The limit counts bytes as they arrive, so that it would not hold for what they inflate to.
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new KeysUnavailableError('malformed');
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) throw new KeysUnavailableError('malformed');
    return value;
  }
}

function toFailure(error: unknown): KeysUnavailableError {
  if (error instanceof KeysUnavailableError) return error;
  return new KeysUnavailableError(reasonOf(error), { cause: error });
}

function reasonOf(error: unknown): KeysUnavailableReason {
  if (error instanceof SyntaxError) return 'malformed';
  if (error instanceof errors.ResponseExceededMaxSizeError) return 'too_large';
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'timeout';
  return 'unreachable';
}

function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));
}

/** Of the kinds that RS256 and ES256 take. Others are left out, so that they cannot spoil the set. */
function isVerificationKey(key: unknown): key is JWK {
  if (!isObject(key)) return false;
  return key['kty'] === 'RSA' || (key['kty'] === 'EC' && key['crv'] === 'P-256');
}
