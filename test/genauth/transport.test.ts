import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  createTransport,
  type WireResponse,
  headerOf,
  type Transport,
  type TransportOptions,
  type WireRequest,
} from '../../src/genauth/transport';
import { type Fault, FaultyServer } from '../support/faultyServer';

const POST: WireRequest = {
  method: 'POST',
  path: '/api/v3/unlink-identity',
  headers: ['x-test', '1'],
  body: '{"userId":"u1"}',
};
const GET: WireRequest = { method: 'GET', path: '/api/v3/get-user?userId=u1', headers: ['x-test', '1'], body: null };
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

describe('a request', () => {
  test('is sent as given, with its length and over one kept connection', async () => {
    await send(POST);
    await send(GET);
    expect(server.connections).toBe(1);
    expect(server.requests).toEqual([
      `POST /api/v3/unlink-identity HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nconnection: keep-alive\r\nx-test: 1\r\ncontent-length: 15\r\n\r\n{"userId":"u1"}`,
      `GET /api/v3/get-user?userId=u1 HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nconnection: keep-alive\r\nx-test: 1\r\n\r\n`,
    ]);
  });

  test('waits for a connection where all are in use', async () => {
    open({ maxConnections: 2 });
    server.fault = 'hang';
    const all = Promise.all([send(), send(), send(), send()]);
    await server.received(2);
    server.fault = 'answer';
    server.inflict('answer');
    expect((await all).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(server.connections).toBe(2);
  });
});

test('a request that has ended leaves no timer behind', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  for (let count = 0; count < 20; count++) await send();
  expect(timers()).toBeLessThan(before + 10);
});

describe('a response', () => {
  test.each<[string, Fault, Partial<WireResponse>]>([
    ['a redirect, not followed', 'redirect', { status: 307, body: Buffer.of() }],
    ['an empty answer', 'empty', { status: 200, body: Buffer.of() }],
    ['204', 'noContent', { status: 204, body: Buffer.of() }],
    ['an answer said to be compressed, as it is', 'gzip', { status: 200, body: Buffer.from(BODY) }],
    ['the answer after an interim one', 'answerAfterHints', { status: 200, body: Buffer.from(BODY) }],
    ['what there is of a body without a length', 'cutUnmeasured', { status: 200, body: Buffer.from(BODY.slice(0, 9)) }],
    ['the first answer of two', 'answerTwice', { status: 200, body: Buffer.from(BODY) }],
  ])('can be %s', async (_title, fault, exchange) => {
    server.fault = fault;
    expect(await send()).toMatchObject(exchange);
    expect(server.requests).toHaveLength(1);
    await expectStillServing(1);
  });

  test('has header names in lower case, and a repeated header has its first value', async () => {
    server.fault = 'repeatedHeader';
    const answer = await send();
    const first = Object.keys(answer.headers).map((name) => [name, headerOf(answer, name)]);
    expect(Object.fromEntries(first)).toEqual({ 'retry-after': '7', 'content-length': '0' });
  });

  test('can have at most 4 MiB', async () => {
    server.fault = 'fourMebibytes';
    expect((await send()).body).toHaveLength(4 * 1024 * 1024);
  });

  test('is never the second response to the previous request', async () => {
    server.fault = 'hang';
    const first = send(GET);
    await server.received(1);
    const second = send(POST);
    server.fault = 'noContent';
    server.inflict('answerTwice');
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(204);
    expect(server.requests).toHaveLength(2);
  });
});

describe.each([
  ['POST', POST],
  ['GET', GET],
])('a %s that the server had', (_method, request) => {
  test.each<[string, Fault, string]>([
    ['reset', 'reset', 'reset'],
    ['closed without an answer', 'close', 'closed'],
    ['half-closed without an answer', 'halfClose', 'closed'],
    ['answered with a cut body', 'cutLength', 'closed'],
    ['answered with a cut chunk', 'cutChunk', 'closed'],
    ['answered without the last chunk', 'cutLastChunk', 'closed'],
    ['answered with a cut chunk on a connection that was to close', 'cutChunkOfClosing', 'protocol'],
    ['answered in another protocol', 'garbage', 'protocol'],
    ['answered with two lengths', 'twoLengths', 'protocol'],
    ['answered with 70 kB of headers', 'hugeHeader', 'protocol'],
    ['answered with more than 4 MiB', 'overFourMebibytes', 'too_large'],
    ['answered with more than 4 MiB in chunks', 'overFourMebibytesInChunks', 'too_large'],
  ])('and %s may have been executed, and is not sent again', async (_title, fault, reason) => {
    server.fault = fault;
    await expect(send(request)).rejects.toMatchObject({ name: 'TransportError', reason, sent: 'maybe' });
    expect(server.requests).toHaveLength(1);
    await expectStillServing(1);
  });

  test('and reset within the body may have been executed, and is not sent again', async () => {
    server.fault = 'resetInBody';
    // A reset that comes together with bytes reads as an end.
    const reason = expect.stringMatching(/^(reset|closed)$/);
    await expect(send(request)).rejects.toMatchObject({ name: 'TransportError', reason, sent: 'maybe' });
    await expectStillServing(1);
  });

  test.each<[string, Fault]>([
    ['never answered', 'hang'],
    ['answered in part', 'hangInBody'],
    ['answered byte by byte without an end', 'drip'],
  ])('and %s ends with its time, and may have been executed', async (_title, fault) => {
    server.fault = fault;
    const error = await send(request, { timeoutMs: 300 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'TransportError', reason: 'timeout', sent: 'maybe' });
    await server.disconnected(1);
    expect(server.requests).toHaveLength(1);
    await expectStillServing(1);
  });

  test.each<[string, Fault]>([
    ['before the answer', 'hang'],
    ['within the answer', 'hangInBody'],
  ])('and that is aborted %s may have been executed', async (_title, fault) => {
    server.fault = fault;
    const controller = new AbortController();
    const pending = send(request, { deadline: controller.signal });
    await server.received(1);
    controller.abort();
    await expect(pending).rejects.toMatchObject({ reason: 'deadline', sent: 'maybe' });
    await server.disconnected(1);
    await expectStillServing(1);
  });

  test('and closed on a kept connection may have been executed, and is not sent again', async () => {
    await send(request);
    server.fault = 'close';
    await expect(send(request)).rejects.toMatchObject({ reason: 'closed', sent: 'maybe' });
    expect(server.connections).toBe(1);
    await expectStillServing(2);
  });
});

test('a request that was reset before the server read it counts as possibly executed', async () => {
  const silent = createServer({ pauseOnConnect: true });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  open({ origin: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  const connected = once(silent, 'connection');
  const written = nextMessage('undici:client:sendHeaders');
  const pending = send();
  const [[accepted]] = await Promise.all([connected, written]);
  const socket = accepted as Socket;
  socket.resetAndDestroy();
  await expect(pending).rejects.toMatchObject({ reason: 'reset', sent: 'maybe' });
  expect(socket.bytesRead).toBe(0);
  silent.close();
});

describe('a kept connection that the server has closed', () => {
  test('is not used again', async () => {
    server.fault = 'answerAndClose';
    await send();
    await server.disconnected(1);
    await expectStillServing(1);
    expect(server.connections).toBe(2);
  });

  test('fails no request, even one that is sent while the server closes the connection', async () => {
    await send();
    server.inflict('halfClose');
    await expectStillServing(1);
  });
});

describe('close', () => {
  test('fails requests that are in progress or waiting, and rejects later ones', async () => {
    server.fault = 'hang';
    const first = send();
    await server.received(1);
    const outcomes = Promise.allSettled([first, send()]);
    await transport?.close();
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { reason: 'closed', sent: 'maybe' } },
      { status: 'rejected', reason: { reason: 'closed', sent: 'no' } },
    ]);
    await expect(send()).rejects.toMatchObject({ reason: 'closed', sent: 'no' });
    await server.disconnected(1);
    expect(server.requests).toHaveLength(1);
  });
});

function nextMessage(channel: string): Promise<unknown> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown): void => {
      unsubscribe(channel, onMessage);
      resolve(message);
    };
    subscribe(channel, onMessage);
  });
}
