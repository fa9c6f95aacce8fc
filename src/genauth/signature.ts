import { createHmac } from 'node:crypto';

/** The brand of the service. It determines the names of the signed headers and the authorization scheme. */
export type Brand = 'genauth' | 'authing';

export interface AccessKey {
  accessKeyId: string;
  accessKeySecret: string;
}

/** The parts of a request that are signed. The only signed headers are `date` and those of the brand, such as `x-genauth-*`. */
export interface SignableRequest {
  method: string;
  /** Without host and query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  /** The query parameters of a GET, or the body of a POST. Only top-level keys are sorted. */
  data: Readonly<Record<string, unknown>>;
}

const SCHEMES: Record<Brand, string> = { genauth: 'GenAuth', authing: 'authing' };

/**
 * Builds the string to sign: the method, the signed headers sorted by name, then the path with the data's top-level keys
 * sorted by name.
 *
 * Nothing is percent-encoded: a value that contains `&` or `=` can yield the same string as other values do. Therefore ids
 * have to be checked before they are signed (`ids.ts`).
 *
 * @see docs/genauth-api.md#request-signing
 */
export function canonicalize(request: SignableRequest, brand: Brand): string {
  return toStringToSign(request.method, canonicalizeHeaders(request.headers, brand), request.path, request.data);
}

/** Builds the string to sign from headers that are canonical already. */
export function toStringToSign(method: string, canonicalHeaders: string, path: string, data: SignableRequest['data']) {
  return `${method}\n${canonicalHeaders}${canonicalizeResource(path, data)}`;
}

/** Returns the signed headers, sorted by name, one line each. */
export function canonicalizeHeaders(headers: SignableRequest['headers'], brand: Brand): string {
  const prefix = `x-${brand}-`;
  let text = '';
  const names = Object.keys(headers)
    .map((name) => [name.toLowerCase(), name] as const)
    .filter(([lower]) => lower === 'date' || lower.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [lower, name] of names) {
    text += `${lower}:${(headers[name] ?? '').replace(/[\t\n\r\f]/g, ' ').trim()}\n`;
  }
  return text;
}

/** Signs a string to sign. @returns The value of the `authorization` header. */
export function authorization(stringToSign: string, key: AccessKey, brand: Brand): string {
  const signature = createHmac('sha1', key.accessKeySecret).update(stringToSign, 'utf8').digest('base64');
  return `${SCHEMES[brand]} ${key.accessKeyId}:${signature}`;
}

function canonicalizeResource(path: string, data: SignableRequest['data']): string {
  const keys = Object.keys(data).sort();
  if (keys.length === 0) return path;
  let pairs = '';
  for (const key of keys) {
    const value = data[key];
    // A key without a value adds nothing but the `?`, as in the vendor's SDK (vector G of its tests).
    if (value === undefined) continue;
    pairs += `${pairs === '' ? '' : '&'}${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
  }
  return `${path}?${pairs}`;
}
