import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { type Stack, startStack } from '../support/stack';
import { BODY, LENGTH, raw } from './strangeBytes';

const SERVED = { data: { __typename: 'Query' } };
const HASH = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };

describe('the body of a request', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  async function post(body: string | Buffer, headers: Record<string, string> = {}) {
    const response = await fetch(`${stack.subgraph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as object };
  }

  describe('that is compressed', () => {
    test.each([
      ['gzip', gzipSync(BODY)],
      ['GZIP', gzipSync(BODY)],
      ['deflate', deflateSync(BODY)],
      // Some clients send the bare DEFLATE format under this name.
      ['deflate', deflateRawSync(BODY)],
      ['br', brotliCompressSync(BODY)],
      ['identity', Buffer.from(BODY)],
    ])('is inflated: %s', async (encoding, bytes) => {
      const { status, body } = await post(bytes, { 'content-encoding': encoding });
      expect([status, body]).toEqual([200, SERVED]);
    });

    test.each(['zstd', 'compress', 'gzip, br', 'sentinel', ''])(
      'is rejected with the supported encodings if its encoding is %j',
      async (encoding) => {
        const { status, headers, body } = await post(gzipSync(BODY), { 'content-encoding': encoding });
        expect([status, headers.get('accept-encoding')]).toEqual([415, 'gzip, deflate, br']);
        expect(JSON.stringify(body)).not.toContain('sentinel');
      },
    );

    test.each([
      ['gzip', Buffer.from(BODY)],
      ['deflate', Buffer.from(BODY)],
      ['br', Buffer.from(BODY)],
      ['gzip', brotliCompressSync(BODY)],
      ['br', gzipSync(BODY)],
      ['gzip', gzipSync(BODY).subarray(0, 20)],
      ['identity', gzipSync(BODY)],
      ['gzip', Buffer.alloc(0)],
    ])('is rejected if its bytes are not %s', async (encoding, bytes) => {
      const { status, body } = await post(bytes, { 'content-encoding': encoding });
      expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('"BAD_REQUEST"')]);
    });

    test.each([
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
    ] as const)('is rejected by its inflated size: %s', async (encoding, compress) => {
      const padded = (length: number) => BODY.padEnd(length);
      const fits = await post(compress(padded(262_144)), { 'content-encoding': encoding });
      expect([fits.status, fits.body]).toEqual([200, SERVED]);
      const before = process.memoryUsage().rss;
      for (const length of [262_145, 64 * 1024 * 1024]) {
        const { status } = await post(compress(padded(length)), { 'content-encoding': encoding });
        expect(status).toBe(413);
      }
      // The compressing in this process takes 64 MiB for each of the two copies.
      expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
    });
  });

  describe('with the hash of a document', () => {
    test.each([{}, { query: null }, { query: '' }])('and no document is told to send it: %j', async (rest) => {
      const { status, body } = await post(JSON.stringify({ ...rest, extensions: HASH }));
      const extensions = { code: 'PERSISTED_QUERY_NOT_SUPPORTED', outcome: 'NOT_EXECUTED' };
      // Apollo Router looks at the first error, and @apollo/gateway for the second message.
      expect([status, body]).toEqual([
        200,
        {
          errors: [
            { message: 'PersistedQueryNotSupported', extensions },
            { message: 'PersistedQueryNotFound', extensions },
          ],
        },
      ]);
    });

    test('and the document is executed', async () => {
      const { status, body } = await post(JSON.stringify({ query: '{ __typename }', extensions: HASH }));
      expect([status, body]).toEqual([200, SERVED]);
    });

    test('that is null counts as one without', async () => {
      const extensions = { persistedQuery: null };
      const { status, body } = await post(JSON.stringify({ query: '{ __typename }', extensions }));
      expect([status, body]).toEqual([200, SERVED]);
      expect((await post(JSON.stringify({ extensions }))).status).toBe(400);
    });
  });

  test('with an empty operation name counts as one without', async () => {
    const { status, body } = await post('{"query":"query A { __typename }","operationName":""}');
    expect([status, body]).toEqual([200, SERVED]);
    const ambiguous = await post('{"query":"query A { __typename } query B { __typename }","operationName":""}');
    expect(ambiguous.status).toBe(400);
  });

  test('may arrive byte by byte', async () => {
    const [socket, received] = await open(stack.subgraph.url);
    const closed = once(socket, 'close');
    for (const byte of raw(['connection: close', LENGTH], BODY)) {
      socket.write(byte);
      await pause(1);
    }
    await closed;
    expect(received()).toContain('{"data":{"__typename":"Query"}}');
  });

  test('is rejected with 503 if it has been incomplete for longest, when all of them are too many bytes', async () => {
    // 160 bodies of 255 KiB are 40 MiB, and 32 MiB may be incomplete.
    const half = raw(['content-length: 262144'], ' '.repeat(255 * 1024));
    const clients: (readonly [Socket, () => string])[] = [];
    while (clients.length < 160) {
      const [socket, received] = await open(stack.subgraph.url);
      socket.write(half);
      clients.push([socket, received]);
    }
    const rejected = () => clients.filter(([, received]) => received().startsWith('HTTP/1.1 503 '));
    while (rejected().length < 30) await pause(10);
    expect(rejected()[0]?.[1]()).toContain('"code":"OVERLOADED","outcome":"NOT_EXECUTED","retryAfterMs":1000');
    expect(clients.at(-1)?.[1]()).toBe('');
    expect((await post(BODY)).status).toBe(200);
    for (const [socket] of clients) socket.destroy();
  });

  test('is rejected with 503 if it has been incomplete for longest, when there are too many', async () => {
    const half = raw([LENGTH], BODY.slice(0, 5));
    const clients: (readonly [Socket, () => string])[] = [];
    while (clients.length < 1_100) {
      const more = await Promise.all(Array.from({ length: 100 }, () => open(stack.subgraph.url)));
      for (const [socket] of more) socket.write(half);
      clients.push(...more);
    }
    while (clients.filter(([, received]) => received().startsWith('HTTP/1.1 503 ')).length < 76) await pause(10);
    expect((await post(BODY)).status).toBe(200);
    for (const [socket] of clients) socket.destroy();
  });
});

/** Opens a connection. @returns The socket, and what it has received so far. */
async function open(origin: string): Promise<readonly [Socket, () => string]> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  await once(socket, 'connect');
  return [socket, () => received];
}
