import { randomBytes } from 'node:crypto';
import type { AccessKey, Brand } from './signature';
import { authorization, canonicalize } from './signature';

/** What is to be authenticated: the operation as the signature sees it, without headers. */
export interface Operation {
  method: 'GET' | 'POST';
  path: string;
  data: Readonly<Record<string, unknown>>;
}

/** How this client proves to GenAuth who it is. */
export interface Authentication {
  /** The headers for one attempt. A second attempt needs new ones: GenAuth accepts a signature once. */
  headers(operation: Operation, signal: AbortSignal): Promise<Record<string, string>>;

  /**
   * Takes note that GenAuth refused the credentials of an attempt.
   *
   * @param refused The headers of that attempt.
   * @returns Whether another attempt has a chance, because new credentials can be had.
   */
  renew(refused: Readonly<Record<string, string>>): boolean;
}

export interface SignatureOptions {
  key: AccessKey;
  brand: Brand;
  lang: string;
}

/**
 * Signs every request with the access key: nothing to fetch, nothing to expire.
 *
 * @see genauth-wire.md, section 1a
 */
export function signatureAuthentication({ key, brand, lang }: SignatureOptions): Authentication {
  const prefix = `x-${brand}-`;
  const constant = {
    [`${prefix}lang`]: lang,
    [`${prefix}signature-method`]: 'HMAC-SHA1',
    [`${prefix}signature-version`]: '1.0',
  };
  return {
    headers(operation) {
      const headers: Record<string, string> = {
        ...constant,
        [`${prefix}signature-nonce`]: randomBytes(16).toString('hex'),
        date: new Date().toUTCString(),
      };
      headers['authorization'] = authorization(canonicalize({ ...operation, headers }, brand), key, brand);
      return Promise.resolve(headers);
    },
    renew: () => false,
  };
}
