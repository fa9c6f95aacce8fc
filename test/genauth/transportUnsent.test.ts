import dns from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import {
  createTransport,
  type WireResponse,
  type Transport,
  type TransportOptions,
  type WireRequest,
} from '../../src/genauth/transport';
import { FaultyServer } from '../support/faultyServer';

const POST: WireRequest = {
  method: 'POST',
  path: '/api/v3/unlink-identity',
  headers: ['x-test', '1'],
  body: '{"userId":"u1"}',
};
const BODY = '{"statusCode":200,"message":"","data":{}}';
const AMPLE = 30_000;

let server: FaultyServer;
let transport: Transport | undefined;

function open(options: Partial<TransportOptions> = {}): Transport {
  transport = createTransport({ origin: server.origin, connectTimeoutMs: AMPLE, maxConnections: 1, ...options });
  return transport;
}

function send(
  request = POST,
  { timeoutMs = AMPLE, deadline = new AbortController().signal } = {},
): Promise<WireResponse> {
  return (transport ?? open()).send(request, { timeoutMs, deadline });
}

/** The next request is served, and was preceded by nothing but what the test knows of. */
async function expectStillServing(requestsBefore: number): Promise<void> {
  server.fault = 'answer';
  const { status, body } = await send();
  expect({ status, body: body.toString() }).toEqual({ status: 200, body: BODY });
  expect(server.requests).toHaveLength(requestsBefore + 1);
}

beforeEach(async () => {
  server = await FaultyServer.start();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await transport?.close();
  transport = undefined;
  await server.close();
});

describe('a request that failed early', () => {
  test.each(['ENOTFOUND', 'EAI_AGAIN'])('because its host has no address (%s) was certainly not sent', async (code) => {
    const lookup = jest.spyOn(dns, 'lookup') as unknown as jest.SpyInstance<
      void,
      [string, object, (error: Error) => void]
    >;
    lookup.mockImplementation((name, _options, callback) => {
      process.nextTick(
        callback,
        Object.assign(new Error(`getaddrinfo ${code} ${name}`), { code, syscall: 'getaddrinfo' }),
      );
    });
    open({ origin: `http://genauth.invalid:${server.port}` });
    await expect(send()).rejects.toMatchObject({ name: 'TransportError', reason: 'dns', sent: 'no' });
    lookup.mockImplementation((_name, _options, callback) => {
      process.nextTick(callback, null, [{ address: '127.0.0.1', family: 4 }]);
    });
    await expectStillServing(0);
  });

  test('because no server listens was certainly not sent', async () => {
    await server.close();
    open();
    await expect(send()).rejects.toMatchObject({ reason: 'connection_refused', sent: 'no' });
    server = await FaultyServer.start(server.port);
    await expectStillServing(0);
  });

  test('because the connection was not secured in time was certainly not sent', async () => {
    open({ origin: `https://127.0.0.1:${server.port}`, connectTimeoutMs: 200 });
    await expect(send()).rejects.toMatchObject({ reason: 'connect_timeout', sent: 'no' });
    expect(server.requests).toEqual([]);
  });

  test('because the server does not speak TLS was certainly not sent', async () => {
    const plain = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    open({ origin: `https://127.0.0.1:${(plain.address() as AddressInfo).port}` });
    await expect(send()).rejects.toMatchObject({ reason: 'tls', sent: 'no' });
    plain.close();
  });

  test('because the server has no certificate was certainly not sent', async () => {
    const secure = createTlsServer({}).on('tlsClientError', () => undefined);
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    open({ origin: `https://127.0.0.1:${(secure.address() as AddressInfo).port}` });
    await expect(send()).rejects.toMatchObject({ reason: 'tls', sent: 'no' });
    secure.close();
  });

  test('because it was aborted before was certainly not sent', async () => {
    await expect(send(POST, { deadline: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'deadline',
      sent: 'no',
    });
    expect(server.connections).toBe(0);
    await expectStillServing(0);
  });

  test('because it was aborted while it waited for a connection was certainly not sent', async () => {
    server.fault = 'hang';
    const first = send();
    await server.received(1);
    const controller = new AbortController();
    const second = send(POST, { deadline: controller.signal });
    controller.abort();
    await expect(second).rejects.toMatchObject({ reason: 'deadline', sent: 'no' });
    server.fault = 'answer';
    server.inflict('answer');
    await first;
    await expectStillServing(1);
  });

  test('because it timed out while it waited for a connection was certainly not sent', async () => {
    server.fault = 'hang';
    const first = send();
    await server.received(1);
    await expect(send(POST, { timeoutMs: 50 })).rejects.toMatchObject({ reason: 'timeout', sent: 'no' });
    server.fault = 'answer';
    server.inflict('answer');
    await first;
    await expectStillServing(1);
  });

  test('because its headers cannot be sent was certainly not sent', async () => {
    const response = open().send(
      { ...POST, headers: ['x-test', 'a\r\nb'] },
      {
        timeoutMs: AMPLE,
        deadline: new AbortController().signal,
      },
    );
    await expect(response).rejects.toMatchObject({ name: 'TransportError', sent: 'no' });
    expect(server.connections).toBe(0);
  });
});
