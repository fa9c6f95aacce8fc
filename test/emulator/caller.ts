import { randomBytes } from 'node:crypto';
import type { Emulator } from '../../src/emulator';
import { authorization, type Brand, canonicalize } from '../../src/genauth/signature';

export interface Reply {
  status: number;
  headers: Headers;
  body: ReplyBody;
}

export interface ReplyBody {
  statusCode: number;
  message: string;
  apiCode?: number;
  requestId?: string;
  data?: unknown;
}

type Key = Pick<Emulator, 'accessKeyId' | 'accessKeySecret'>;

export interface Signing {
  brand?: Brand;
  key?: Key;
  /** Headers that are added or replaced before signing; null removes one. */
  headers?: Record<string, string | null>;
  /** The parts that are signed differently from what is sent. */
  signed?: { method?: string; path?: string; data?: Record<string, unknown> };
}

/** Creates the headers that the vendor SDK sends. */
export function sign(
  request: { method: string; path: string; data: Record<string, unknown> },
  key: Key,
  { brand = 'genauth', headers: changes = {}, signed = {} }: Signing = {},
): Record<string, string> {
  const headers: Record<string, string> = {
    date: new Date().toUTCString(),
    [`x-${brand}-lang`]: 'en-US',
    [`x-${brand}-signature-method`]: 'HMAC-SHA1',
    [`x-${brand}-signature-version`]: '1.0',
    [`x-${brand}-signature-nonce`]: randomBytes(16).toString('hex'),
  };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete headers[name];
    else headers[name] = value;
  }
  headers['authorization'] = authorization(canonicalize({ ...request, ...signed, headers }, brand), key, brand);
  return headers;
}

export interface WireRequest {
  url: string;
  init: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string };
}

/** Creates a signed request for fetch. */
export function signedRequest(
  emulator: Emulator,
  name: string,
  data: Record<string, unknown>,
  signing: Signing = {},
): WireRequest {
  const path = `/api/v3/${name}`;
  if (/^(get|list)-(?!users|management-token)/.test(name)) {
    const query = Object.entries(data).flatMap(([key, value]) =>
      Array.isArray(value)
        ? value.map((item) => `${encodeURIComponent(`${key}[]`)}=${encodeURIComponent(String(item))}`)
        : [`${key}=${encodeURIComponent(String(value))}`],
    );
    const headers = sign({ method: 'GET', path, data }, signing.key ?? emulator, signing);
    return {
      url: `${emulator.url}${path}${query.length > 0 ? '?' : ''}${query.join('&')}`,
      init: { method: 'GET', headers },
    };
  }
  const headers = sign({ method: 'POST', path, data }, signing.key ?? emulator, signing);
  return {
    url: `${emulator.url}${path}`,
    init: { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(data) },
  };
}

/** Calls an operation, named by the last part of its path, and reads the envelope. */
export async function call(
  emulator: Emulator,
  name: string,
  data: Record<string, unknown>,
  signing?: Signing,
): Promise<Reply> {
  return send(signedRequest(emulator, name, data, signing));
}

export async function send({ url, init }: WireRequest): Promise<Reply> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  return { status: response.status, headers: response.headers, body: (await response.json()) as ReplyBody };
}

/** Calls an operation and returns its data. @throws The envelope is not one of success. */
export async function dataOf<Data>(emulator: Emulator, name: string, data: Record<string, unknown>): Promise<Data> {
  const { body } = await call(emulator, name, data);
  if (body.statusCode !== 200) throw new Error(`${name} was refused: ${body.message}`);
  return body.data as Data;
}

/** Ids of the built-in pool. */
export const ZHANG_SAN = '6229ffa1c05e6bfcade3e3d1';
export const ADA = '6229ffa1c05e6bfcade3e3d2';
export const LI_SI = '6229ffa1c05e6bfcade3e3d3';
export const WANG_FANG = '6229ffa1c05e6bfcade3e3d4';
export const GRACE = '6229ffa1c05e6bfcade3e3d5';
export const UNKNOWN_ID = '000000000000000000000000';
export const WECHAT = '62f20932716fbcc10d966ee5';
export const GITHUB = '62f20932716fbcc10d966ee6';
export const GOOGLE = '62f20932716fbcc10d966ee7';
export const LARK = '62f20932716fbcc10d966ee8';
export const SAML = '62f20932716fbcc10d966eeb';
/** Has one identity, no password, and no verified address. */
export const NOOR = '6229ffa1c05e6bfcade3e3da';
/** Has two identities of one source, no password, and no verified address. */
export const LIN_MEI = '6229ffa1c05e6bfcade3e3db';
/** Has an identity of a deleted source, and addresses that are not verified. */
export const OLGA = '6229ffa1c05e6bfcade3e3dc';
export const WEB = '6193c610f9117e7cb0491501';
export const MOBILE = '6193c610f9117e7cb0491502';
