import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Algorithm = 'RS256' | 'RS512' | 'ES256' | 'HS256' | 'none';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** How the issuer answers a request for its keys or its discovery document, instead of as it should. */
export type Misbehaviour = { status: number } | { body: string; headers?: Record<string, string> } | 'hang' | 'reset';

/** An issuer of tokens over HTTP: real keys, real sockets, and every way to be out of order. */
export interface Issuer {
  /** Its `iss`, with the discovery document below it. */
  readonly url: string;
  readonly jwksUri: string;
  /** Requests that have arrived so far. */
  readonly fetches: { discovery: number; jwks: number };
  /** What the key set holds; change it to rotate. The first key signs unless told otherwise. */
  readonly keys: SigningKey[];
  /** Members of the published key set besides `keys`. */
  readonly otherJwks: object[];
  /** Set to make the one or the other answer go wrong. */
  misbehaviour: { discovery?: Misbehaviour; jwks?: Misbehaviour };
  /** What the discovery document says beyond or instead of the truth. */
  discovery: Record<string, unknown>;
  /** Resolves when that many requests for the keys have arrived in all. */
  fetched(count: number): Promise<void>;
  /** Takes back the keys in use and begins with a new one. */
  rotate(kid: string, type?: 'RSA' | 'EC'): SigningKey;
  /** Signs what a user's access token holds, with changes; a claim that is undefined is left out. */
  token(claims?: Record<string, unknown>, how?: { key?: SigningKey; alg?: Algorithm; header?: object }): string;
  close(): Promise<void>;
}

export const AUDIENCE = '60193c610f9117e7cb049159';
export const SUBJECT = '60194296801dc7bc2a1b2735';

export function createSigningKey(kid: string, type: 'RSA' | 'EC' = 'RSA'): SigningKey {
  return type === 'RSA'
    ? { kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }
    : { kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

export function toJwk(key: SigningKey): object {
  const ofEc = key.publicKey.asymmetricKeyType === 'ec';
  return { ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, use: 'sig', ...(ofEc ? { alg: 'ES256' } : {}) };
}

/** Makes a JWT with nothing but node:crypto, and so also those that a library refuses to make. */
export function signJwt(header: { alg: Algorithm }, payload: unknown, key: KeyObject | string): string {
  const input = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${input}.${signature(header.alg, input, key)}`;
}

function signature(alg: Algorithm, input: string, key: KeyObject | string): string {
  if (alg === 'none') return '';
  if (alg === 'HS256') return createHmac('sha256', key).update(input).digest('base64url');
  if (typeof key === 'string') throw new TypeError(`${alg} takes a private key`);
  const hash = alg === 'RS512' ? 'sha512' : 'sha256';
  return signBytes(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

/** Made once, because it takes longer than anything else: issuers of one test file begin with the same key. */
let firstKey: SigningKey | undefined;

export async function startIssuer(): Promise<Issuer> {
  const server = createServer((request, response) => {
    const route = request.url === '/oidc/.well-known/jwks.json' ? 'jwks' : 'discovery';
    issuer.fetches[route]++;
    if (route === 'jwks') server.emit('fetched');
    const wrong = issuer.misbehaviour[route];
    if (wrong !== undefined) misbehave(wrong, response);
    else if (route === 'jwks') json(response, { keys: [...issuer.keys.map(toJwk), ...issuer.otherJwks] });
    else json(response, { issuer: issuer.url, jwks_uri: issuer.jwksUri, ...issuer.discovery });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oidc`;

  firstKey ??= createSigningKey('first');
  const issuer: Issuer = {
    url,
    jwksUri: `${url}/.well-known/jwks.json`,
    fetches: { discovery: 0, jwks: 0 },
    keys: [firstKey],
    otherJwks: [],
    misbehaviour: {},
    discovery: {},
    async fetched(count) {
      while (issuer.fetches.jwks < count) await once(server, 'fetched');
    },
    rotate(kid, type) {
      const key = createSigningKey(kid, type);
      issuer.keys.splice(0, issuer.keys.length, key);
      return key;
    },
    token(claims = {}, { key = issuer.keys[0], alg = 'RS256', header = {} } = {}) {
      if (key === undefined) throw new Error('the issuer has no key to sign with');
      const now = Math.floor(Date.now() / 1000);
      const usual = { jti: '3YByyfvL0xoMP5wpMulgL', sub: SUBJECT, iat: now, exp: now + 3600, scope: 'openid email' };
      const payload = { ...usual, iss: url, aud: AUDIENCE, ...claims };
      return signJwt({ alg, typ: 'JWT', kid: key.kid, ...header } as { alg: Algorithm }, payload, key.privateKey);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return issuer;
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
}

function misbehave(wrong: Misbehaviour, response: ServerResponse): void {
  if (wrong === 'hang') return;
  if (wrong === 'reset') response.destroy();
  else if ('status' in wrong) response.writeHead(wrong.status, { location: '/elsewhere' }).end('{"keys":[]}');
  else response.writeHead(200, wrong.headers).end(wrong.body);
}
