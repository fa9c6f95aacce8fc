import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { AUDIENCE, startIssuer } from '../support/issuer';

/** What has to be there before the subgraph starts. */
export interface Place {
  env: Record<string, string>;
  /** With which the caller asks. */
  headers?: Record<string, string>;
  /** Takes away what was there. */
  lose?: () => Promise<void>;
  close(): Promise<void>;
}

const NOTHING_TO_CLOSE = (): Promise<void> => Promise.resolve();

/** A name that no name server knows: RFC 2606 keeps it so. */
export async function noSuchName(): Promise<Place> {
  return { env: { GENAUTH_HOST: 'https://genauth.invalid' }, close: NOTHING_TO_CLOSE };
}

/** A port that nobody listens at: TCPMUX, which no system has served for decades. */
export async function nobodyListens(): Promise<Place> {
  return { env: { GENAUTH_HOST: 'http://127.0.0.1:1' }, close: NOTHING_TO_CLOSE };
}

/** Takes connections and never says a word, so that no TLS comes about. */
export function silence(): Promise<Place> {
  return listen(createServer((socket) => socket.on('error', () => undefined)));
}

/** Speaks HTTP where TLS is expected. */
export function plainText(): Promise<Place> {
  return listen(createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n')));
}

/** Speaks TLS, with a certificate that it made itself. Whoever accepted it would be answered. */
export function selfSigned(): Promise<Place> {
  const server = createTlsServer(makeCertificate(), (socket) => {
    const body = '{"statusCode":200,"message":"","data":{"success":true}}';
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`));
  });
  return listen(server.on('tlsClientError', () => undefined));
}

/** A caller who is known, and is neither the user nor allowed to act for others. */
export async function stranger(): Promise<Place> {
  const issuer = await startIssuer();
  return {
    env: { AUTH_MODE: 'jwt', JWT_ISSUER: issuer.url, JWT_AUDIENCE: AUDIENCE, JWT_JWKS_URI: issuer.jwksUri },
    headers: { authorization: `Bearer ${issuer.token({ scope: 'openid' })}` },
    close: () => issuer.close(),
  };
}

/** A file for the audit trail. When it is lost a folder is in its place, so that it cannot be written. */
export async function auditTrail(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'faults-'));
  const path = join(folder, 'audit.log');
  return {
    env: { AUDIT_LOG: path },
    async lose() {
      await rm(path);
      await mkdir(path);
    },
    close: () => rm(folder, { recursive: true }),
  };
}

async function listen(server: Server): Promise<Place> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    env: { GENAUTH_HOST: `https://127.0.0.1:${(server.address() as AddressInfo).port}` },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An X.509 certificate of version 1 in DER, the smallest there is. Made here, so that no private key lies about in files. */
function makeCertificate(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const name = der(
    0x30,
    der(0x31, der(0x30, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('nobody')))),
  );
  const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('490101000000Z')));
  const publicPart = publicKey.export({ type: 'spki', format: 'der' });
  const signed = der(0x30, der(0x02, Buffer.of(1)), algorithm, name, validity, name, publicPart);
  const signature = der(0x03, Buffer.of(0), sign('sha256', signed, privateKey));
  const certificate = der(0x30, signed, algorithm, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
  };
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}
