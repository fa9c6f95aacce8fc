import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';

/** An issuer of access tokens. For demonstration only: it asks for no password, and its tokens are printed. */
export interface Issuer {
  /** The `iss` of its tokens. */
  url: string;
  jwksUri: string;
  /** The `aud` of its tokens. */
  audience: string;
  /** @param scope Default: none. Users need no scope for their own accounts. */
  issue(sub: string, scope?: string): Promise<string>;
}

const KEY_ID = 'example';
const AUDIENCE = 'connected-accounts';
/** A working day, so that printed tokens stay valid while a developer reads the code. */
const LIFETIME = '8h';

/**
 * Starts an issuer on a free port of 127.0.0.1.
 *
 * @param signingKey Default: generated. A private P-256 key as a JWK, with which tests sign tokens of their own.
 */
export async function startIssuer(signingKey: string | undefined): Promise<Issuer> {
  const jwk = signingKey === undefined ? await generateKey() : (JSON.parse(signingKey) as JWK);
  const privateKey = (await importJWK(jwk, 'ES256')) as CryptoKey;
  const { kty, crv, x, y } = jwk;
  const keys = JSON.stringify({ keys: [{ kty, crv, x, y, kid: KEY_ID, alg: 'ES256', use: 'sig' }] });

  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(keys);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    jwksUri: `${url}/jwks.json`,
    audience: AUDIENCE,
    issue: (sub, scope) =>
      new SignJWT(scope === undefined ? {} : { scope })
        .setProtectedHeader({ alg: 'ES256', kid: KEY_ID })
        .setIssuer(url)
        .setAudience(AUDIENCE)
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime(LIFETIME)
        .sign(privateKey),
  };
}

async function generateKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return exportJWK(privateKey);
}
