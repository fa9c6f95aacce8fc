import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { JSON_TYPE, send } from '../support/rawHttp';
import { type Stack, startStack } from '../support/stack';
import { startImpatient, startWith } from './impatient';
import { BODY, BROKEN_BODIES, BROKEN_HEADERS, LEGAL, LENGTH, raw, SMUGGLED } from './strangeBytes';

function expectRejection({ status, headers, body }: Awaited<ReturnType<typeof send>>[number], expected: number): void {
  expect([status, headers.get('content-type')]).toEqual([
    expected,
    expect.stringMatching(/^application\/(graphql-response\+)?json\b/),
  ]);
  expect(JSON.parse(body)).toEqual({
    errors: [
      {
        message: expect.any(String),
        extensions: { code: expect.stringMatching(/^[A-Z_]+$/), outcome: 'NOT_EXECUTED' },
      },
    ],
  });
  expect(headers.get('cache-control')).toBe('no-store');
}

describe('a connection to the GraphQL listener', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());
  beforeEach(() => stack.emulator.clearCalls());

  test.each([...BROKEN_HEADERS, ...BROKEN_BODIES])(
    'with %s is rejected once and closed, and the bytes behind it are not served',
    async (_what, bytes, status) => {
      const answers = await send(stack.subgraph.url, Buffer.from(bytes + SMUGGLED, 'latin1'));
      expect(answers).toHaveLength(1);
      for (const answer of answers) expectRejection(answer, status);
      expect(JSON.stringify(answers)).not.toContain('sentinel');
      expect(stack.emulator.calls).toEqual([]);
      expect((await stack.ask('{ __typename }')).status).toBe(200);
    },
  );

  test.each(LEGAL)('with %s is served once', async (_what, bytes) => {
    const answers = await send(stack.subgraph.url, Buffer.from(bytes, 'latin1'));
    expect(answers.map(({ status, body }) => [status, body.trim()])).toEqual([
      [200, '{"data":{"__typename":"Query"}}'],
    ]);
    expect(JSON.stringify([...(answers[0]?.headers ?? [])])).not.toContain('sentinel');
  });

  test('responds to pipelined requests in order', async () => {
    const bodies = Array.from({ length: 200 }, (_, index) => JSON.stringify({ query: `{ a${index}: __typename }` }));
    const bytes = bodies.map((body) => raw([`content-length: ${body.length}`], body)).join('');
    const answers = await send(stack.subgraph.url, bytes + raw(['connection: close', LENGTH], BODY));
    expect(answers.map(({ body }) => /"(\w+)":"Query"/.exec(body)?.[1])).toEqual([
      ...bodies.map((_, index) => `a${index}`),
      '__typename',
    ]);
  });

  test('gets the responses to earlier requests before the rejection of a malformed one', async () => {
    const bytes = raw([LENGTH], BODY).repeat(3);
    const answers = await send(stack.subgraph.url, `${bytes}sentinel\r\n\r\n`);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 400]);
  });

  test('gets the responses to earlier requests before the rejection of CONNECT', async () => {
    const tunnel = 'CONNECT sentinel:443 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
    const answers = await send(stack.subgraph.url, raw([LENGTH], BODY) + tunnel);
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
  });

  test('is rejected once if a malformed body follows an unknown expectation', async () => {
    const head = raw(['expect: sentinel', 'transfer-encoding: chunked'], '');
    const answers = await send(stack.subgraph.url, `${head}zz\r\nsentinel\r\n`);
    expect(answers.map(({ status }) => status)).toEqual([417]);
  });

  test('serves no request behind one with `connection: close`', async () => {
    const answers = await send(stack.subgraph.url, raw(['connection: close', LENGTH], BODY) + SMUGGLED);
    expect(answers.map(({ status }) => status)).toEqual([200]);
    expect(stack.emulator.calls).toEqual([]);
  });

  test('gets no second response if the rest of a request with an early response is malformed', async () => {
    const socket = open(stack.subgraph.url);
    socket.write(raw(['transfer-encoding: chunked'], '', 'GET /graphql HTTP/1.1'));
    const received = collect(socket);
    await once(socket, 'data');
    socket.write('zz\r\nsentinel\r\n');
    expect((await received).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 405']);
  });

  test.each([
    ['no host', `POST /graphql HTTP/1.1\r\nconnection: close\r\n${JSON_TYPE}\r\n${LENGTH}\r\n\r\n${BODY}`, 400],
    ['two hosts', raw(['host: sentinel', 'connection: close', LENGTH], BODY), 400],
    ['an unknown expectation', raw(['expect: sentinel', LENGTH], BODY), 417],
    ['CONNECT', 'CONNECT sentinel:443 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n', 400],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n', 404],
    ['a method other than POST', raw(['connection: close'], '', 'TRACE /graphql HTTP/1.1'), 405],
    ['HTTP/0.9', 'GET /graphql\r\n\r\n', 400],
  ])('with %s is rejected as JSON', async (_what, bytes, status) => {
    const answers = await send(stack.subgraph.url, bytes);
    expect(answers).toHaveLength(1);
    for (const answer of answers) expectRejection(answer, status);
    expect(JSON.stringify(answers)).not.toContain('sentinel');
  });

  test('gets 100 Continue for a small body, and 413 for one that is too large', async () => {
    const asks = ['expect: 100-continue', 'connection: close'];
    const small = await send(stack.subgraph.url, raw([...asks, LENGTH], BODY));
    expect(small.map(({ status }) => status)).toEqual([100, 200]);
    const large = await send(stack.subgraph.url, raw([...asks, 'content-length: 400000'], ''));
    expect(large.at(-1)?.status).toBe(413);
  });

  test('is not upgraded to a web socket', async () => {
    const upgrade = [
      'connection: upgrade, close',
      'upgrade: websocket',
      'sec-websocket-key: c2VudGluZWw=',
      'sec-websocket-version: 13',
    ];
    const answers = await send(stack.subgraph.url, raw(upgrade, '', 'GET /graphql HTTP/1.1'));
    expect(answers.map(({ status }) => status)).toEqual([405]);
    expect(answers[0]?.headers.has('upgrade')).toBe(false);
  });

  test('is served while hundreds of others have incomplete requests', async () => {
    const half = [raw([LENGTH], '').slice(0, 40), raw([LENGTH], '{"query'), ''];
    const slow = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const socket = open(stack.subgraph.url);
        await once(socket, 'connect');
        socket.write(half[index % half.length] ?? '');
        return socket;
      }),
    );
    expect((await stack.ask('{ __typename }')).status).toBe(200);
    expect(slow.filter(({ destroyed }) => destroyed)).toEqual([]);
    for (const socket of slow) socket.destroy();
  });
});

describe('the limits of connections', () => {
  let stack: Stack;

  afterEach(() => stack.close());

  test('are set for the headers, for the complete request and for the number of connections', async () => {
    const started = await startWith({});
    ({ stack } = started);
    const { server, given } = started;
    expect(server.headersTimeout).toBeGreaterThan(0);
    expect(server.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(server.requestTimeout).toBeGreaterThanOrEqual(server.headersTimeout);
    expect(server.requestTimeout).toBeLessThanOrEqual(15_000);
    // With Node's default of 30 s a limit of 10 s could become 40 s.
    expect(given.connectionsCheckingInterval).toBeLessThanOrEqual(5_000);
    expect(server.maxConnections).toBe(4_096);
  });

  test.each([
    ['a header', raw([LENGTH], '').slice(0, 40)],
    ['a body', raw([LENGTH], '{"query')],
  ])('close a connection that takes too long for %s, with one rejection as JSON', async (_what, bytes) => {
    ({ stack } = await startImpatient());
    const answers = await send(stack.subgraph.url, bytes);
    expect(answers).toHaveLength(1);
    for (const answer of answers) expectRejection(answer, 408);
  });

  test('do not execute a request whose rest arrives after its rejection', async () => {
    const started = await startImpatient();
    ({ stack } = started);
    const { server } = started;
    const socket = openHalf(stack.subgraph.url);
    socket.write(SMUGGLED.slice(0, -9));
    const [rejection] = (await once(socket, 'data')) as [Buffer];
    expect(rejection.toString()).toMatch(/^HTTP\/1\.1 408 /);
    socket.write(SMUGGLED.slice(-9));
    await untilGone(server);
    expect(stack.emulator.calls).toEqual([]);
  });

  test.each([
    [
      'sends CONNECT and more bytes, and does not close',
      'CONNECT sentinel:443 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nsentinel',
      400,
    ],
    ['sends half a request, and does not close', raw([LENGTH], '{"query'), 408],
  ])('close the connection of a client that %s', async (_what, bytes, status) => {
    const started = await startImpatient();
    ({ stack } = started);
    const { server } = started;
    const socket = openHalf(stack.subgraph.url);
    if (bytes !== '') socket.write(bytes);
    const [rejection] = (await once(socket, 'data')) as [Buffer];
    expect(rejection.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await untilGone(server);
  });

  test('drop connections beyond the limit, and accept again after one has closed', async () => {
    const started = await startWith({});
    ({ stack } = started);
    const { server } = started;
    server.maxConnections = 1;
    const first = open(stack.subgraph.url);
    const served = once(first, 'data');
    first.write(raw([LENGTH], BODY));
    await served;
    expect(await collect(open(stack.subgraph.url))).toBe('');
    first.destroy();
    // The server notices the closed connection a moment later.
    for (let reached = false; !reached;) {
      const next = open(stack.subgraph.url);
      const ended = collect(next);
      next.write(raw(['connection: close', LENGTH], BODY));
      reached = (await ended).startsWith('HTTP/1.1 200');
    }
  });
});

describe('a connection to the admin listener', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  async function tell(bytes: string): Promise<string> {
    const socket = open(stack.subgraph.adminUrl);
    socket.write(Buffer.from(bytes, 'latin1'));
    return collect(socket);
  }

  test.each(BROKEN_HEADERS)('with %s is rejected once and closed', async (_what, bytes, status) => {
    const answer = await tell(bytes + SMUGGLED);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    expect(answer).not.toContain('sentinel');
    expect((await fetch(`${stack.subgraph.adminUrl}/livez`)).status).toBe(200);
  });

  test.each([
    ['POST /livez HTTP/1.1', 405],
    ['TRACE /metrics HTTP/1.1', 405],
    ['GET //livez HTTP/1.1', 404],
    ['GET /livez/../graphql HTTP/1.1', 404],
    ['GET http://sentinel/livez HTTP/1.1', 404],
    ['OPTIONS * HTTP/1.1', 404],
  ])('responds to %s with a fixed text', async (first, status) => {
    const answer = await tell(raw(['connection: close'], '', first));
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    expect(answer).toMatch(/\r\n\r\n[\da-f]+\r\n(GET only|not found)\n\r\n0\r\n\r\n$/);
    expect(answer).not.toContain('sentinel');
  });
});

function open(origin: string): Socket {
  const { hostname, port } = new URL(origin);
  return connect(Number(port), hostname).on('error', () => undefined);
}

/** Waits until a server has no open connection. */
async function untilGone(server: Server): Promise<void> {
  const count = promisify(server.getConnections.bind(server));
  while ((await count()) > 0) await setTimeout(10);
}

/** Opens a connection that stays open when the server closes its side. */
function openHalf(origin: string): Socket {
  const { hostname, port } = new URL(origin);
  return connect({ port: Number(port), host: hostname, allowHalfOpen: true }).on('error', () => undefined);
}

/** Reads until the connection is closed. */
async function collect(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}
