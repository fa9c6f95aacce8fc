import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { listen, stopListening } from './listen';

export type Algorithm = 'RS256' | 'RS512' | 'ES256' | 'HS256' | 'none';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A faulty response to a request for the keys or for the discovery document. */
export type Misbehaviour = { status: number } | { body: string; headers?: Record<string, string> } | 'hang' | 'reset';

/** An issuer of tokens, over HTTP and with real keys. Its responses can be made faulty. */
export interface Issuer {
  /** The `iss` of its tokens. The discovery document is below this URL. */
  readonly url: string;
  readonly jwksUri: string;
  /** Number of requests that have arrived so far. */
  readonly fetches: { discovery: number; jwks: number };
  /** The published keys. The first key signs by default. */
  readonly keys: SigningKey[];
  /** Further members of the published key set. */
  readonly otherJwks: object[];
  /** Makes the one or the other response faulty. */
  misbehaviour: { discovery?: Misbehaviour; jwks?: Misbehaviour };
  /** Added to the discovery document, or replacing its members. */
  discovery: Record<string, unknown>;
  /** Waits until `count` requests for the keys have arrived in all. */
  fetched(count: number): Promise<void>;
  /** Replaces all keys with a new one. */
  rotate(kid: string, type?: 'RSA' | 'EC'): SigningKey;
  /** Makes a user's access token. `claims` replace the usual ones; a claim that is undefined is omitted. */
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

/** Makes a JWT with node:crypto alone, because libraries refuse to make invalid ones. */
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

/** Generated once per test file, because generating an RSA key is slow. */
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
  const url = `http://127.0.0.1:${await listen(server)}/oidc`;

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
    close: () => stopListening(server),
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
