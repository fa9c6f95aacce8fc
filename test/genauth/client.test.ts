import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { type GenAuthId, type ManagementClient, ManagementRefusedError } from '../../src/genauth';
import { FaultyServer } from '../support/faultyServer';
import { ManagementStub, type Reply } from './managementStub';

const USER = '6229ffaa0000000000000001';
const OTHER = '6229ffaa0000000000000002';
const SOURCE = '62f2093271600cc10d966ee5';
const SECRET = 'secret0000000000000000000000abcd';

let stub: ManagementStub;
let client: ManagementClient;

beforeEach(async () => {
  stub = await ManagementStub.start();
  client = stub.client();
});

afterEach(() => stub.close());

function id(value: string): GenAuthId {
  return client.parseId('id', value);
}

/** A deadline that never passes. */
function never(): AbortSignal {
  return new AbortController().signal;
}

function answer(data: unknown): void {
  stub.reply = () => ({ statusCode: 200, message: 'Success', data });
}

describe('every request', () => {
  const calls: [string, string, (client: ManagementClient, deadline: AbortSignal) => Promise<unknown>][] = [
    [
      'unlinkIdentity',
      `/api/v3/unlink-identity?extIdpId=${SOURCE}&userId=${USER}`,
      (any, deadline) =>
        any.unlinkIdentity(
          { userId: id(USER), extIdpId: id(SOURCE) },
          { deadline: deadline, idempotencyKey: 'operation-1' },
        ),
    ],
    [
      'getUserBatch',
      `/api/v3/get-user-batch?userIds=["${USER}","${OTHER}"]&withIdentities=true`,
      (any, deadline) => any.getUserBatch([id(USER), id(OTHER)], { deadline: deadline }),
    ],
  ];

  test.each(calls)('of %s is signed with the access key', async (_title, resource, call) => {
    await call(client, never()).catch(() => undefined);
    const { route, headers } = stub.first();
    const { date, 'x-genauth-signature-nonce': nonce } = headers as Record<string, string>;
    expect(nonce).toMatch(/^[0-9a-f]{32}$/);
    expect(new Date(date ?? '').toUTCString()).toBe(date);
    const text = `${route.split(' ')[0]}\ndate:${date}\nx-genauth-lang:en-US\nx-genauth-signature-method:HMAC-SHA1\nx-genauth-signature-nonce:${nonce}\nx-genauth-signature-version:1.0\n${resource}`;
    const signature = createHmac('sha1', SECRET).update(text).digest('base64');
    expect(headers.authorization).toBe(`GenAuth userpool0000000000000001:${signature}`);
  });

  test.each(calls)('of %s carries these headers and no others', async (_title, _resource, call) => {
    await call(client, never()).catch(() => undefined);
    const { route, headers } = stub.first();
    const { host: _host, connection: _connection, ...rest } = headers;
    expect(rest).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'genauth-identity-subgraph',
      date: expect.any(String),
      authorization: expect.any(String),
      'x-genauth-lang': 'en-US',
      'x-genauth-signature-method': 'HMAC-SHA1',
      'x-genauth-signature-version': '1.0',
      'x-genauth-signature-nonce': expect.any(String),
      ...(route.startsWith('POST')
        ? {
            'content-type': 'application/json',
            'content-length': String(stub.requests[0]?.body.length),
            'idempotency-key': 'operation-1',
          }
        : {}),
    });
  });

  test('has a nonce of its own', async () => {
    answer([]);
    await Promise.all(Array.from({ length: 20 }, () => client.getUserBatch([id(USER)], { deadline: never() })));
    expect(new Set(stub.requests.map(({ headers }) => headers['x-genauth-signature-nonce'])).size).toBe(20);
  });

  test('uses the header names and the scheme of the other brand where that is configured', async () => {
    answer([]);
    await stub.client({ brand: 'authing', lang: 'zh-CN' }).getUserBatch([id(USER)], { deadline: never() });
    const { headers } = stub.first();
    expect(headers.authorization).toMatch(/^authing userpool0000000000000001:/);
    expect(headers).toMatchObject({ 'x-authing-lang': 'zh-CN', 'x-authing-signature-version': '1.0' });
    expect(Object.keys(headers).filter((name) => name.startsWith('x-genauth-'))).toEqual([]);
  });

  test.each(calls)('of %s fails unsent when its deadline was aborted before', async (_title, _resource, call) => {
    await expect(call(client, AbortSignal.abort())).rejects.toMatchObject({
      name: 'ManagementUnreachableError',
      reason: 'deadline',
      sent: 'no',
    });
    expect(stub.requests).toEqual([]);
  });

  test('ends with its deadline while GenAuth is working', async () => {
    const controller = new AbortController();
    stub.reply = () => {
      controller.abort();
      return new Promise<Reply>(() => undefined);
    };
    await expect(
      client.unlinkIdentity(
        { userId: id(USER), extIdpId: id(SOURCE) },
        { deadline: controller.signal, idempotencyKey: 'operation-1' },
      ),
    ).rejects.toMatchObject({ reason: 'deadline', sent: 'maybe', route: 'POST /api/v3/unlink-identity' });
    expect(stub.requests).toHaveLength(1);
  });

  test('has the timeout of a read or of a write', async () => {
    stub.reply = () => new Promise<Reply>(() => undefined);
    const impatient = { reason: 'timeout', sent: 'maybe' };
    await expect(
      stub.client({ readTimeoutMs: 50 }).getUserBatch([id(USER)], { deadline: never() }),
    ).rejects.toMatchObject(impatient);
    const unlink = stub
      .client({ writeTimeoutMs: 50 })
      .unlinkIdentity({ userId: id(USER), extIdpId: id(SOURCE) }, { deadline: never(), idempotencyKey: 'operation-1' });
    await expect(unlink).rejects.toMatchObject(impatient);
  });

  test.each(calls)(
    'of %s fails with the error of the transport, a read after one retry',
    async (title, _resource, call) => {
      const server = await FaultyServer.start();
      server.fault = 'reset';
      const faulty = stub.client({ origin: server.origin });
      const attempts = title === 'unlinkIdentity' ? 1 : 2;
      await expect(call(faulty, never())).rejects.toMatchObject({
        name: 'ManagementUnreachableError',
        reason: 'reset',
        sent: 'maybe',
        attempts,
      });
      expect(server.requests).toHaveLength(attempts);
      await faulty.close();
      await server.close();
    },
  );

  test.each(calls)('of %s whose signature GenAuth refuses is not retried', async (_title, _resource, call) => {
    stub.reply = () => ({ statusCode: 401, apiCode: 1300, message: 'no', requestId: 'r1' });
    const error = await call(client, never()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ManagementRefusedError);
    expect(error).toMatchObject({ refusal: 'credentials', statusCode: 401, apiCode: 1300, requestId: 'r1' });
    expect(stub.requests).toHaveLength(1);
  });

  test.each<[string, Partial<{ reply: Reply; fault: 'garbage' | 'close' }>]>([
    ['a refusal', { reply: { statusCode: 400, message: SECRET } }],
    ['an HTTP error', { reply: 500 }],
    ['a broken protocol', { fault: 'garbage' }],
    ['a lost connection', { fault: 'close' }],
  ])('leaves no secret, id or header in the error for %s', async (_title, { reply, fault }) => {
    if (reply !== undefined) stub.reply = () => reply;
    const server = await FaultyServer.start();
    if (fault !== undefined) {
      server.fault = fault;
      client = stub.client({ origin: server.origin });
    }
    const error: unknown = await client
      .getUserBatch([id(USER)], { deadline: never() })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const everything = inspect(error, { depth: Infinity, showHidden: true });
    for (const hidden of [SECRET, 'userpool0000000000000001', USER, 'signature-nonce']) {
      expect(everything).not.toContain(hidden);
    }
    await client.close();
    await server.close();
  });
});

test('close fails the calls in progress', async () => {
  let arrived: () => void = () => undefined;
  const arrival = new Promise<void>((resolve) => (arrived = resolve));
  stub.reply = () => {
    arrived();
    return new Promise<Reply>(() => undefined);
  };
  const call = client.unlinkIdentity(
    { userId: id(USER), extIdpId: id(SOURCE) },
    { deadline: never(), idempotencyKey: 'operation-1' },
  );
  await arrival;
  const closing = client.close();
  await expect(call).rejects.toMatchObject({ reason: 'closed', sent: 'maybe' });
  await closing;
});
