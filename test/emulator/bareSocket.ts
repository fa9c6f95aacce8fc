import { once } from 'node:events';
import { connect } from 'node:net';
import type { Emulator } from '../../src/emulator';
import { signedRequest } from './caller';

/** The bytes that arrived over a socket, and how the connection ended. */
export interface Received {
  head: string;
  body: Buffer;
  end: 'fin' | 'reset' | 'still open';
}

/**
 * Unlinks over a bare socket, which shows what an HTTP client hides.
 *
 * @param giveUp Default: waits until the connection ends. Else it is given up when this resolves.
 */
export async function unlinkOverSocket(
  emulator: Emulator,
  target: Record<string, unknown>,
  giveUp?: (emulator: Emulator) => Promise<void>,
): Promise<Received> {
  const { init } = signedRequest(emulator, 'unlink-identity', target);
  const { hostname, port } = new URL(emulator.url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  let end: Received['end'] = 'still open';
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('end', () => (end = 'fin'));
  socket.on('error', () => (end = 'reset'));
  const headers = { ...init.headers, 'content-length': String(init.body?.length), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /api/v3/unlink-identity HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\n${init.body}`);
  if (giveUp === undefined) {
    await once(socket, 'close').catch(() => undefined);
  } else {
    await giveUp(emulator);
    socket.destroy();
  }
  const bytes = Buffer.concat(chunks);
  const split = bytes.indexOf('\r\n\r\n');
  return { head: bytes.subarray(0, split).toString(), body: bytes.subarray(split + 4), end };
}
