import { createHmac } from 'node:crypto';

/** Which of the two brands of the same service is spoken to: it names the signed headers and the scheme. */
export type Brand = 'genauth' | 'authing';

export interface AccessKey {
  accessKeyId: string;
  accessKeySecret: string;
}

/**
 * A request as the signature sees it. Only the headers that count are looked at: `date`, and those of the brand
 * (`x-genauth-*`, `x-authing-*`).
 */
export interface SignableRequest {
  method: string;
  /** No host, no query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  /** The query parameters of a GET, the body of a POST; only top-level keys are canonicalized. */
  data: Readonly<Record<string, unknown>>;
}

const SCHEMES: Record<Brand, string> = { genauth: 'GenAuth', authing: 'authing' };

/**
 * Builds the string to sign: method, the signed headers in order of name, then the path with the data's top-level keys in
 * order of name.
 *
 * Nothing is percent-encoded, so a value that holds `&` or `=` yields the same text as two other values would. Whoever
 * signs checks ids first; see `ids.ts`.
 *
 * @see genauth-wire.md, section 1a, whose vectors are this function's tests
 */
export function canonicalize(request: SignableRequest, brand: Brand): string {
  return toStringToSign(request.method, canonicalizeHeaders(request.headers, brand), request.path, request.data);
}

/** Builds the same from headers that are canonical already. */
export function toStringToSign(method: string, canonicalHeaders: string, path: string, data: SignableRequest['data']) {
  return `${method}\n${canonicalHeaders}${canonicalizeResource(path, data)}`;
}

/** The headers that count, in order of name, a line each. */
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

/**
 * Signs a string to sign and returns the value of the `authorization` header.
 */
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
    // A key without a value leaves its "?" behind: the vendor's SDK signs it so (vector G).
    if (value === undefined) continue;
    pairs += `${pairs === '' ? '' : '&'}${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
  }
  return `${path}?${pairs}`;
}
