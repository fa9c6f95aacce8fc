import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthenticator } from '../../src/callers';
import { TimeLimit } from '../../src/deadline';
import type { Context } from '../../src/graphql';
import { type Listener, startListener } from '../../src/http/listener';
import { post } from '../support/stack';
import { BODY, LENGTH, raw } from './strangeBytes';

const REQUEST = raw([LENGTH], BODY);
/** More than the kernel buffers of a connection. */
const RESPONSE_BYTES = 16 * 1024 * 1024;

describe('a client that does not read its responses', () => {
  let listener: Listener;
  let dropped: string[];
  let size: number;
  const clients: Socket[] = [];

  beforeEach(() => {
    dropped = [];
    size = RESPONSE_BYTES;
  });
  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    await listener.close();
  });

  /** Starts a listener whose GraphQL server responds at once with `size` bytes. */
  async function start(maxInFlight: number): Promise<void> {
    listener = await startListener({
      host: '127.0.0.1',
      port: 0,
      graphql: {
        start: () => Promise.resolve(),
        stop: () => Promise.resolve(),
        answer: () => Promise.resolve({ status: 200, headers: [], body: Buffer.alloc(size, 'x') }),
      },
      createContext: () => ({ deadline: new TimeLimit(0) }) as unknown as Context,
      authenticator: createAuthenticator({
        mode: 'none',
        routerSecrets: [],
        tokens: null,
        onKeysFailure: () => undefined,
      }),
      loopbackNamesOnly: true,
      maxInFlight,
      keepAliveMs: 75_000,
      onConnectionDropped: (reason) => dropped.push(reason),
      shutdown: { draining: false, closing: false },
      ide: null,
      onUnexpectedError: (error) => expect(error).toBeUndefined(),
      onRejection: () => undefined,
    });
  }

  /** Sends requests on a new connection, and reads nothing. */
  async function ask(requests: string): Promise<Socket> {
    const { hostname, port } = new URL(listener.url);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    socket.pause();
    clients.push(socket);
    await once(socket, 'connect');
    socket.write(requests);
    return socket;
  }

  const isServed = async (): Promise<boolean> => {
    const response = await post(`${listener.url}/graphql`, BODY);
    return response.status === 200 && (await response.arrayBuffer()).byteLength === size;
  };

  test('keeps its request in flight until it has read the response', async () => {
    await start(4);
    const socket = await ask(REQUEST);
    while (listener.inFlight() < 1) await pause(5);
    await pause(200);
    expect(listener.inFlight()).toBe(1);
    socket.resume();
    while (listener.inFlight() > 0) await pause(5);
    expect(dropped).toEqual([]);
  });

  test('counts with each of its pipelined requests', async () => {
    await start(8);
    await ask(REQUEST.repeat(3));
    while (listener.inFlight() < 3) await pause(5);
    expect(dropped).toEqual([]);
  });

  test('is dropped when the unread responses are too many bytes, the first one first', async () => {
    await start(100);
    const sockets: Socket[] = [];
    // 64 MiB may be unread.
    for (let count = 0; count < 10; count++) sockets.push(await ask(REQUEST));
    while (dropped.length < 6) await pause(5);
    expect(listener.inFlight()).toBeLessThanOrEqual(5);
    expect([...new Set(dropped)]).toEqual(['slow_reader']);
    expect(await isServed()).toBe(true);
    sockets.at(-1)?.resume();
    const bytesRead = (): number => sockets.at(-1)?.bytesRead ?? 0;
    while (bytesRead() < size) await pause(5);
  });

  test('makes room after a second when all requests are in flight', async () => {
    await start(4);
    size = 8 * 1024 * 1024;
    for (let count = 0; count < 4; count++) await ask(REQUEST);
    while (listener.inFlight() < 4) await pause(5);
    while (!(await isServed())) await pause(100);
    expect(dropped).toContain('slow_reader');
  });

  test('is dropped after 10 s without progress, and one that reads slowly is not', async () => {
    await start(4);
    await ask(REQUEST);
    const slow = await ask(REQUEST);
    // Reads a part now and then, so that the kernel has room for more.
    const timer = setInterval(() => void slow.read(1024 * 1024), 100);
    while (dropped.length < 1) await pause(100);
    clearInterval(timer);
    expect(dropped).toEqual(['slow_reader']);
    expect(slow.destroyed).toBe(false);
  });
});
