import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { headerOf, type WireRequest, type WireResponse } from '../../src/genauth/transport';
import type { Fault } from '../support/faultyServer';
import { BODY, expectStillServing, POST, TransportFixture } from './transportFixture';

const GET: WireRequest = { method: 'GET', path: '/api/v3/get-user?userId=u1', headers: ['x-test', '1'], body: null };

let fixture: TransportFixture;

beforeEach(async () => {
  fixture = await TransportFixture.start();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await fixture.close();
});

describe('a request', () => {
  test('is sent as given, with its length and over one kept connection', async () => {
    await fixture.send(POST);
    await fixture.send(GET);
    expect(fixture.server.connections).toBe(1);
    expect(fixture.server.requests).toEqual([
      `POST /api/v3/unlink-identity HTTP/1.1\r\nhost: 127.0.0.1:${fixture.server.port}\r\nconnection: keep-alive\r\nx-test: 1\r\ncontent-length: 15\r\n\r\n{"userId":"u1"}`,
      `GET /api/v3/get-user?userId=u1 HTTP/1.1\r\nhost: 127.0.0.1:${fixture.server.port}\r\nconnection: keep-alive\r\nx-test: 1\r\n\r\n`,
    ]);
  });

  test('waits for a connection where all are in use', async () => {
    fixture.open({ maxConnections: 2 });
    fixture.server.fault = 'hang';
    const all = Promise.all([fixture.send(), fixture.send(), fixture.send(), fixture.send()]);
    await fixture.server.received(2);
    fixture.server.fault = 'answer';
    fixture.server.inflict('answer');
    expect((await all).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(fixture.server.connections).toBe(2);
  });
});

test('a request that has ended leaves no timer behind', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  for (let count = 0; count < 20; count++) await fixture.send();
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
    fixture.server.fault = fault;
    expect(await fixture.send()).toMatchObject(exchange);
    expect(fixture.server.requests).toHaveLength(1);
    await expectStillServing(fixture, 1);
  });

  test('has header names in lower case, and a repeated header has its first value', async () => {
    fixture.server.fault = 'repeatedHeader';
    const answer = await fixture.send();
    const first = Object.keys(answer.headers).map((name) => [name, headerOf(answer, name)]);
    expect(Object.fromEntries(first)).toEqual({ 'retry-after': '7', 'content-length': '0' });
  });

  test('can have at most 4 MiB', async () => {
    fixture.server.fault = 'fourMebibytes';
    expect((await fixture.send()).body).toHaveLength(4 * 1024 * 1024);
  });

  test('is never the second response to the previous request', async () => {
    fixture.server.fault = 'hang';
    const first = fixture.send(GET);
    await fixture.server.received(1);
    const second = fixture.send(POST);
    fixture.server.fault = 'noContent';
    fixture.server.inflict('answerTwice');
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(204);
    expect(fixture.server.requests).toHaveLength(2);
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
    fixture.server.fault = fault;
    await expect(fixture.send(request)).rejects.toMatchObject({ name: 'TransportError', reason, sent: 'maybe' });
    expect(fixture.server.requests).toHaveLength(1);
    await expectStillServing(fixture, 1);
  });

  test('and reset within the body may have been executed, and is not sent again', async () => {
    fixture.server.fault = 'resetInBody';
    // A reset that comes together with bytes reads as an end.
    const reason = expect.stringMatching(/^(reset|closed)$/);
    await expect(fixture.send(request)).rejects.toMatchObject({ name: 'TransportError', reason, sent: 'maybe' });
    await expectStillServing(fixture, 1);
  });

  test.each<[string, Fault]>([
    ['never answered', 'hang'],
    ['answered in part', 'hangInBody'],
    ['answered byte by byte without an end', 'drip'],
  ])('and %s ends with its time, and may have been executed', async (_title, fault) => {
    fixture.server.fault = fault;
    const error = await fixture.send(request, { timeoutMs: 300 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'TransportError', reason: 'timeout', sent: 'maybe' });
    await fixture.server.disconnected(1);
    expect(fixture.server.requests).toHaveLength(1);
    await expectStillServing(fixture, 1);
  });

  test.each<[string, Fault]>([
    ['before the answer', 'hang'],
    ['within the answer', 'hangInBody'],
  ])('and that is aborted %s may have been executed', async (_title, fault) => {
    fixture.server.fault = fault;
    const controller = new AbortController();
    const pending = fixture.send(request, { deadline: controller.signal });
    await fixture.server.received(1);
    controller.abort();
    await expect(pending).rejects.toMatchObject({ reason: 'deadline', sent: 'maybe' });
    await fixture.server.disconnected(1);
    await expectStillServing(fixture, 1);
  });

  test('and closed on a kept connection may have been executed, and is not sent again', async () => {
    await fixture.send(request);
    fixture.server.fault = 'close';
    await expect(fixture.send(request)).rejects.toMatchObject({ reason: 'closed', sent: 'maybe' });
    expect(fixture.server.connections).toBe(1);
    await expectStillServing(fixture, 2);
  });
});

test('a request that was reset before the server read it counts as possibly executed', async () => {
  const silent = createServer({ pauseOnConnect: true });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  fixture.open({ origin: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  const connected = once(silent, 'connection');
  const written = nextMessage('undici:client:sendHeaders');
  const pending = fixture.send();
  const [[accepted]] = await Promise.all([connected, written]);
  const socket = accepted as Socket;
  socket.resetAndDestroy();
  await expect(pending).rejects.toMatchObject({ reason: 'reset', sent: 'maybe' });
  expect(socket.bytesRead).toBe(0);
  silent.close();
});

describe('a kept connection that the server has closed', () => {
  test('is not used again', async () => {
    fixture.server.fault = 'answerAndClose';
    await fixture.send();
    await fixture.server.disconnected(1);
    await expectStillServing(fixture, 1);
    expect(fixture.server.connections).toBe(2);
  });

  test('fails no request, even one that is sent while the server closes the connection', async () => {
    await fixture.send();
    fixture.server.inflict('halfClose');
    await expectStillServing(fixture, 1);
  });
});

describe('close', () => {
  test('fails requests that are in progress or waiting, and rejects later ones', async () => {
    fixture.server.fault = 'hang';
    const first = fixture.send();
    await fixture.server.received(1);
    const outcomes = Promise.allSettled([first, fixture.send()]);
    await fixture.transport?.close();
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { reason: 'closed', sent: 'maybe' } },
      { status: 'rejected', reason: { reason: 'closed', sent: 'no' } },
    ]);
    await expect(fixture.send()).rejects.toMatchObject({ reason: 'closed', sent: 'no' });
    await fixture.server.disconnected(1);
    expect(fixture.server.requests).toHaveLength(1);
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
