import dns from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { FaultyServer } from '../support/faultyServer';
import { AMPLE, expectStillServing, POST, TransportFixture } from './transportFixture';

let fixture: TransportFixture;

beforeEach(async () => {
  fixture = await TransportFixture.start();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await fixture.close();
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
    fixture.open({ origin: `http://genauth.invalid:${fixture.server.port}` });
    await expect(fixture.send()).rejects.toMatchObject({ name: 'TransportError', reason: 'dns', sent: 'no' });
    lookup.mockImplementation((_name, _options, callback) => {
      process.nextTick(callback, null, [{ address: '127.0.0.1', family: 4 }]);
    });
    await expectStillServing(fixture, 0);
  });

  test('because no server listens was certainly not sent', async () => {
    await fixture.server.close();
    fixture.open();
    await expect(fixture.send()).rejects.toMatchObject({ reason: 'connection_refused', sent: 'no' });
    fixture.server = await FaultyServer.start(fixture.server.port);
    await expectStillServing(fixture, 0);
  });

  test('because the connection was not secured in time was certainly not sent', async () => {
    fixture.open({ origin: `https://127.0.0.1:${fixture.server.port}`, connectTimeoutMs: 200 });
    await expect(fixture.send()).rejects.toMatchObject({ reason: 'connect_timeout', sent: 'no' });
    expect(fixture.server.requests).toEqual([]);
  });

  test('because the server does not speak TLS was certainly not sent', async () => {
    const plain = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    fixture.open({ origin: `https://127.0.0.1:${(plain.address() as AddressInfo).port}` });
    await expect(fixture.send()).rejects.toMatchObject({ reason: 'tls', sent: 'no' });
    plain.close();
  });

  test('because the server has no certificate was certainly not sent', async () => {
    const secure = createTlsServer({}).on('tlsClientError', () => undefined);
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    fixture.open({ origin: `https://127.0.0.1:${(secure.address() as AddressInfo).port}` });
    await expect(fixture.send()).rejects.toMatchObject({ reason: 'tls', sent: 'no' });
    secure.close();
  });

  test('because it was aborted before was certainly not sent', async () => {
    await expect(fixture.send(POST, { deadline: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'deadline',
      sent: 'no',
    });
    expect(fixture.server.connections).toBe(0);
    await expectStillServing(fixture, 0);
  });

  test('because it was aborted while it waited for a connection was certainly not sent', async () => {
    fixture.server.fault = 'hang';
    const first = fixture.send();
    await fixture.server.received(1);
    const controller = new AbortController();
    const second = fixture.send(POST, { deadline: controller.signal });
    controller.abort();
    await expect(second).rejects.toMatchObject({ reason: 'deadline', sent: 'no' });
    fixture.server.fault = 'answer';
    fixture.server.inflict('answer');
    await first;
    await expectStillServing(fixture, 1);
  });

  test('because it timed out while it waited for a connection was certainly not sent', async () => {
    fixture.server.fault = 'hang';
    const first = fixture.send();
    await fixture.server.received(1);
    await expect(fixture.send(POST, { timeoutMs: 50 })).rejects.toMatchObject({ reason: 'timeout', sent: 'no' });
    fixture.server.fault = 'answer';
    fixture.server.inflict('answer');
    await first;
    await expectStillServing(fixture, 1);
  });

  test('because its headers cannot be sent was certainly not sent', async () => {
    const response = fixture.open().send(
      { ...POST, headers: ['x-test', 'a\r\nb'] },
      {
        timeoutMs: AMPLE,
        deadline: new AbortController().signal,
      },
    );
    await expect(response).rejects.toMatchObject({ name: 'TransportError', sent: 'no' });
    expect(fixture.server.connections).toBe(0);
  });
});
