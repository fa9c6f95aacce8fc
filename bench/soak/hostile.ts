import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A client that misuses its connection. */
type HostileClient = (socket: Socket, request: string) => Promise<void>;

const HEAD = 'POST /graphql HTTP/1.1\r\nhost: subgraph\r\ncontent-type: application/json\r\n';
const TRICKLE_MS = 100;
/** Longer than most requests take. */
const WAIT_MS = 2_000;

/** Ends a connection in the middle of a request, or holds one for longer than it should. */
export const HOSTILE_CLIENTS: Readonly<Record<string, HostileClient>> = {
  async 'half a head'(socket) {
    socket.write(`${HEAD}content-length: 100\r\n`);
    await pause(WAIT_MS);
  },
  async 'half a body'(socket) {
    socket.write(`${HEAD}content-length: 100\r\n\r\n{"query":"{ __ty`);
    await pause(WAIT_MS / 100);
  },
  async 'a slow body'(socket) {
    socket.write(`${HEAD}content-length: 1000\r\n\r\n`);
    for (let sent = 0; sent < WAIT_MS / TRICKLE_MS && !socket.destroyed; sent++) {
      socket.write('{');
      await pause(TRICKLE_MS);
    }
  },
  async 'no reading'(socket, request) {
    socket.pause();
    socket.write(request.repeat(20));
    await pause(WAIT_MS);
  },
  async 'many requests at once'(socket, request) {
    socket.write(request.repeat(20));
    await pause(WAIT_MS / 20);
  },
  async 'no HTTP'(socket) {
    socket.write('\u0016\u0003\u0001\u0002\u0000\u0001');
    await pause(WAIT_MS / 20);
  },
};

/** Opens a connection, and closes it after a hostile client has used it. */
export async function sendHostile(client: HostileClient, url: string, request: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  // The server may close it first.
  socket.on('error', () => undefined);
  socket.resume();
  await client(socket, request);
  socket.destroy();
}

/** Writes a request as a client sends it. */
export function toHttp(body: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${HEAD}${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
