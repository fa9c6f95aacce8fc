import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { AUDIENCE, startIssuer } from '../support/issuer';
import { listen, stopListening } from '../support/listen';

/** A server or file that a fault needs, and how the subgraph is configured to use it. */
export interface Fixture {
  env: Record<string, string>;
  /** Headers of the caller's requests. */
  headers?: Record<string, string>;
  /** Makes it unusable while the subgraph runs. */
  lose?: () => Promise<void>;
  close(): Promise<void>;
}

const NOTHING_TO_CLOSE = (): Promise<void> => Promise.resolve();

/** A host name that never resolves: RFC 2606 reserves `.invalid`. */
export async function noSuchName(): Promise<Fixture> {
  return { env: { GENAUTH_HOST: 'https://genauth.invalid' }, close: NOTHING_TO_CLOSE };
}

/** A closed port: 1 is TCPMUX, a service that systems no longer run. */
export async function closedPort(): Promise<Fixture> {
  return { env: { GENAUTH_HOST: 'http://127.0.0.1:1' }, close: NOTHING_TO_CLOSE };
}

/** A server that accepts connections and never sends a byte, so that the TLS handshake does not end. */
export function silentServer(): Promise<Fixture> {
  return serve(createServer((socket) => socket.on('error', () => undefined)));
}

/** A server that speaks HTTP without TLS. */
export function serverWithoutTls(): Promise<Fixture> {
  return serve(createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n')));
}

/** A server with a self-signed certificate. A client that accepted the certificate would receive a response. */
export function selfSignedServer(): Promise<Fixture> {
  const server = createTlsServer(makeCertificate(), (socket) => {
    const body = '{"statusCode":200,"message":"","data":{"success":true}}';
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`));
  });
  return serve(server.on('tlsClientError', () => undefined));
}

/** A caller who is authenticated, is not the user, and has no scope. */
export async function unauthorizedCaller(): Promise<Fixture> {
  const issuer = await startIssuer();
  return {
    env: { AUTH_MODE: 'jwt', JWT_ISSUER: issuer.url, JWT_AUDIENCE: AUDIENCE, JWT_JWKS_URI: issuer.jwksUri },
    headers: { authorization: `Bearer ${issuer.token({ scope: 'openid' })}` },
    close: () => issuer.close(),
  };
}

/** A file for the audit trail. `lose` puts a folder in its place, so that writing fails. */
export async function auditTrail(): Promise<Fixture> {
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

async function serve(server: Server): Promise<Fixture> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  const port = await listen(server);
  return {
    env: { GENAUTH_HOST: `https://127.0.0.1:${port}` },
    async close() {
      for (const socket of sockets) socket.destroy();
      await stopListening(server);
    },
  };
}

/** Makes a minimal X.509 v1 certificate in DER. It is made at run time, so that no private key is in the repository. */
function makeCertificate(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const name = der(
    0x30,
    der(0x31, der(0x30, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('self-signed')))),
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
