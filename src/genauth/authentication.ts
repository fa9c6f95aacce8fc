import { randomUUID } from 'node:crypto';
import type { Deadline } from '../deadline';
import type { AccessKey, Brand } from './signature';
import { authorization, canonicalizeHeaders, toStringToSign } from './signature';

/** What is to be authenticated: the operation as the signature sees it, without headers. */
export interface Operation {
  method: 'GET' | 'POST';
  path: string;
  data: Readonly<Record<string, unknown>>;
}

/** Header names and values in turn, names in lower case. */
export type Headers = readonly string[];

/** The credentials of one attempt, and how GenAuth refused them. */
export interface RefusedCredentials {
  headers: Headers;
  apiCode: number | null;
  /** GenAuth's `date` header. */
  date: string | undefined;
}

/** How this client proves to GenAuth who it is. */
export interface Authentication {
  /** The headers for one attempt. A second attempt needs new ones: GenAuth accepts a signature once. */
  headers(operation: Operation, deadline: Deadline): Headers | Promise<Headers>;

  /**
   * Takes note that GenAuth refused the credentials of an attempt.
   *
   * @returns Whether another attempt has a chance, because there are better credentials to be had.
   */
  renew(refused: RefusedCredentials): boolean;
}

export interface SignatureOptions {
  key: AccessKey;
  brand: Brand;
  lang: string;
}

/** "Date malformed", "date missing", "date too far off": all three are what a wrong clock looks like. */
const CLOCK_CODES = new Set([1303, 1304, 1305]);

/** Signs every request with the access key, by GenAuth's clock where ours turned out to be wrong. */
export class SignatureAuthentication implements Authentication {
  readonly #key: AccessKey;
  readonly #brand: Brand;
  readonly #constant: Headers;
  readonly #nonceName: string;
  /** The canonical headers that never change, before and after the nonce. */
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

  /** Milliseconds by which signatures are ahead of our own clock. */
  get clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  /** @see genauth-wire.md, section 1a */
  headers({ method, path, data }: Operation): Headers {
    const nonce = randomUUID().replaceAll('-', '');
    const date = this.#now();
    // In order of name, as `canonicalize` would have them.
    const text = toStringToSign(method, `date:${date}\n${this.#before}${nonce}${this.#after}`, path, data);
    const signed = authorization(text, this.#key, this.#brand);
    return [...this.#constant, 'date', date, this.#nonceName, nonce, 'authorization', signed];
  }

  /** In the form of HTTP, which has no more than seconds. */
  #now(): string {
    const ms = Date.now() + this.#clockOffsetMs;
    const second = Math.floor(ms / 1000);
    if (second !== this.#date.second) this.#date = { second, text: new Date(ms).toUTCString() };
    return this.#date.text;
  }

  renew({ headers, apiCode, date }: RefusedCredentials): boolean {
    if (apiCode === null || !CLOCK_CODES.has(apiCode) || date === undefined) return false;
    const theirs = Date.parse(date);
    const signed = Date.parse(headers[headers.indexOf('date') + 1] ?? '');
    // A clock that agrees with GenAuth's to the second, which is all that the header tells, was not what it minded.
    if (Number.isNaN(theirs) || Math.abs(theirs - signed) < 1_000) return false;
    this.#clockOffsetMs = theirs - Date.now();
    return true;
  }
}
