import { randomUUID } from 'node:crypto';
import type { Deadline } from '../deadline';
import type { AccessKey, Brand } from './signature';
import { authorization, canonicalizeHeaders, toStringToSign } from './signature';

/** The part of a request that is authenticated, apart from headers. */
export interface Operation {
  method: 'GET' | 'POST';
  path: string;
  data: Readonly<Record<string, unknown>>;
}

/** Header names and values alternate; names are in lower case. */
export type Headers = readonly string[];

/** The credentials of one attempt, and GenAuth's refusal of them. */
export interface RefusedCredentials {
  headers: Headers;
  apiCode: number | null;
  /** GenAuth's `date` header. */
  date: string | undefined;
}

/** Authenticates requests to GenAuth. */
export interface Authentication {
  /** Makes the headers for one attempt. A retry needs new ones: GenAuth accepts a signature only once. */
  headers(operation: Operation, deadline: Deadline): Headers | Promise<Headers>;

  /**
   * Learns from credentials that GenAuth refused.
   *
   * @returns Whether a retry may succeed, because its credentials will be different.
   */
  renew(refused: RefusedCredentials): boolean;
}

export interface SignatureOptions {
  key: AccessKey;
  brand: Brand;
  lang: string;
}

/** Date malformed, missing, or too far off: with a wrong clock, GenAuth may report any of the three. */
const CLOCK_CODES = new Set([1303, 1304, 1305]);

/**
 * Signs every request with the access key. Where GenAuth refuses the date of a signature, further signatures follow GenAuth's
 * clock.
 *
 * @see docs/genauth-api.md#request-signing
 */
export class SignatureAuthentication implements Authentication {
  readonly #key: AccessKey;
  readonly #brand: Brand;
  readonly #constant: Headers;
  readonly #nonceName: string;
  /** The constant canonical headers that precede and follow the nonce. */
  readonly #before: string;
  readonly #after: string;
  #clockOffsetMs = 0;
  #date = { second: NaN, text: '' };

  constructor({ key, brand, lang }: SignatureOptions) {
    this.#key = key;
    this.#brand = brand;
    const prefix = `x-${brand}`;
    this.#nonceName = `${prefix}-signature-nonce`;
    const before = { [`${prefix}-lang`]: lang, [`${prefix}-signature-method`]: 'HMAC-SHA1' };
    const after = { [`${prefix}-signature-version`]: '1.0' };
    this.#constant = Object.entries({ ...before, ...after }).flat();
    this.#before = `${canonicalizeHeaders(before, brand)}${this.#nonceName}:`;
    this.#after = `\n${canonicalizeHeaders(after, brand)}`;
  }

  /** Milliseconds by which the dates of signatures are ahead of this machine's clock. */
  get clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  headers({ method, path, data }: Operation): Headers {
    const nonce = randomUUID().replaceAll('-', '');
    const date = this.#now();
    // Sorted by name, as `canonicalize` sorts them.
    const text = toStringToSign(method, `date:${date}\n${this.#before}${nonce}${this.#after}`, path, data);
    const signed = authorization(text, this.#key, this.#brand);
    return [...this.#constant, 'date', date, this.#nonceName, nonce, 'authorization', signed];
  }

  /** The current date as an HTTP date, which is cached for its second. */
  #now(): string {
    const ms = Date.now() + this.#clockOffsetMs;
    const second = Math.floor(ms / 1000);
    if (second !== this.#date.second) this.#date = { second, text: new Date(ms).toUTCString() };
    return this.#date.text;
  }

  renew({ headers, apiCode, date }: RefusedCredentials): boolean {
    if (apiCode === null || !CLOCK_CODES.has(apiCode) || date === undefined) return false;
    const genAuthMs = Date.parse(date);
    const signedMs = Date.parse(headers[headers.indexOf('date') + 1] ?? '');
    // HTTP dates have seconds only. If both dates agree, the clock is not the reason for the refusal.
    if (Number.isNaN(genAuthMs) || Math.abs(genAuthMs - signedMs) < 1_000) return false;
    this.#clockOffsetMs = genAuthMs - Date.now();
    return true;
  }
}
