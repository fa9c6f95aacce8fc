import { once } from 'node:events';
import http, { type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { JSON_TYPE, request, send } from '../security/wire';
import { type Stack, startStack, UNLINK } from '../support/stack';

const BODY = '{"query":"{ __typename }"}';
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
const LENGTH = `content-length: ${BODY.length}`;

/** Writes a request by hand, from its lines. */
const raw = (lines: readonly string[], body: string, first = 'POST /graphql HTTP/1.1'): string =>
  `${[first, 'host: 127.0.0.1', JSON_TYPE, ...lines].join('\r\n')}\r\n\r\n${body}`;

/** What a second reading of the same bytes would find: a request that does harm. */
const HARM = JSON.stringify({
  query: UNLINK,
  variables: { userId: '6229ffa1c05e6bfcade3e3d2', extIdpId: '62f20932716fbcc10d966ee6' },
});
const SMUGGLED = raw([`content-length: ${HARM.length}`], HARM);

/** A header from which two readers could read two different requests, or none at all. */
const BROKEN_HEADERS: readonly [string, string, number][] = [
  ['a length and chunks', raw([LENGTH, 'transfer-encoding: chunked'], CHUNKED), 400],
  ['chunks and a length', raw(['transfer-encoding: chunked', 'content-length: 5'], '0\r\n\r\n'), 400],
  ['the same length twice', raw([LENGTH, LENGTH], BODY), 400],
  ['two lengths', raw([LENGTH, 'content-length: 0'], BODY), 400],
  ['a list of lengths', raw([`${LENGTH}, ${BODY.length}`], BODY), 400],
  ['a length with a sign', raw([`content-length: +${BODY.length}`], BODY), 400],
  ['a hexadecimal length', raw(['content-length: 0x1a'], BODY), 400],
  ['a negative length', raw(['content-length: -1'], BODY), 400],
  ['a length beyond all numbers', raw([`content-length: ${'9'.repeat(30)}`], BODY), 400],
  ['a length of nothing', raw(['content-length:'], BODY), 400],
  ['lines that end with LF alone', raw([LENGTH], BODY).replaceAll('\r\n', '\n'), 400],
  ['one line that ends with LF alone', raw([`x: sentinel\n${LENGTH}`], BODY), 400],
  ['a CR inside a value', raw([`x: sentinel\r${LENGTH}`], BODY), 400],
  ['a value that goes on in the next line', raw(['x: sentinel', ' sentinel', LENGTH], BODY), 400],
  ['a first line that goes on in the next', raw([LENGTH], BODY).replace('\r\nhost', '\r\n x: sentinel\r\nhost'), 400],
  ['NUL in a value', raw(['x: sentinel\0', LENGTH], BODY), 400],
  ['NUL in a name', raw(['sentinel\0: x', LENGTH], BODY), 400],
  ['a space before the colon of the length', raw([`content-length : ${BODY.length}`], BODY), 400],
  ['a space before the colon of the encoding', raw(['transfer-encoding : chunked', LENGTH], BODY), 400],
  ['chunks that are not the last encoding', raw(['transfer-encoding: chunked, identity'], CHUNKED), 400],
  ['chunks of chunks', raw(['transfer-encoding: chunked', 'transfer-encoding: chunked'], CHUNKED), 400],
  ['a line without a colon', raw(['sentinel', LENGTH], BODY), 400],
  ['a value without a name', raw([': sentinel', LENGTH], BODY), 400],
  ['bytes beyond ASCII in the URL', raw([LENGTH], BODY, 'POST /gr\u00e4phql HTTP/1.1'), 400],
  ['a space in the URL', raw([LENGTH], BODY, 'POST /graphql sentinel HTTP/1.1'), 400],
  ['a method in small letters', raw([LENGTH], BODY, 'post /graphql HTTP/1.1'), 400],
  ['a version that does not exist', raw([LENGTH], BODY, 'POST /graphql HTTP/1.2'), 400],
  ['the beginning of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 400],
  ['the beginning of TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 400],
  ['a header of 100 000 bytes', raw([`x: ${'sentinel'.repeat(12_500)}`, LENGTH], BODY), 431],
  ['3 000 headers', raw([...Array.from({ length: 3_000 }, (_, index) => `x${index}: a`), LENGTH], BODY), 431],
  ['a URL of 100 000 bytes', raw([LENGTH], BODY, `POST /${'sentinel'.repeat(12_500)} HTTP/1.1`), 431],
];

/** A body that does not have the shape that its header says. */
const BROKEN_BODIES: readonly [string, string, number][] = [
  ['an encoding that is none', raw(['transfer-encoding: identity'], BODY), 400],
  ['an encoding that nobody knows', raw(['transfer-encoding: xchunked'], BODY), 400],
  ['an encoding in quotes', raw(['transfer-encoding: "chunked"'], CHUNKED), 400],
  [
    'chunks in HTTP/1.0',
    raw(['transfer-encoding: chunked', 'connection: close'], CHUNKED, 'POST /graphql HTTP/1.0'),
    400,
  ],
  ['a chunk of no number', raw(['transfer-encoding: chunked'], `zz\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk of a negative number', raw(['transfer-encoding: chunked'], `-1\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk beyond all numbers', raw(['transfer-encoding: chunked'], `${'f'.repeat(18)}\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['chunks that end with LF alone', raw(['transfer-encoding: chunked'], CHUNKED.replaceAll('\r\n', '\n')), 400],
  ['a chunk that is longer than it says', raw(['transfer-encoding: chunked'], `5\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['LF in what a chunk adds', raw(['transfer-encoding: chunked'], CHUNKED.replace('\r\n', ';a\nb\r\n')), 400],
  [
    '40 000 bytes that a chunk adds',
    raw(['transfer-encoding: chunked'], CHUNKED.replace('\r\n', `;${'a'.repeat(40_000)}\r\n`)),
    400,
  ],
  [
    'a length among the trailers',
    raw(['transfer-encoding: chunked'], CHUNKED.replace(/\r\n$/, 'content-length: 3\r\n\r\n')),
    400,
  ],
  ['400 000 bytes', raw(['content-length: 400000'], 'x'.repeat(400_000)), 413],
  [
    'a chunk of 400 000 bytes',
    raw(['transfer-encoding: chunked'], `61a80\r\n${'x'.repeat(400_000)}\r\n0\r\n\r\n`),
    413,
  ],
];

/** What is odd, and means one thing to every reader. */
const LEGAL: readonly [string, string][] = [
  ['chunks', raw(['connection: close', 'transfer-encoding: chunked'], CHUNKED)],
  ['chunks after a tab', raw(['connection: close', 'transfer-encoding:\tchunked'], CHUNKED)],
  [
    'chunks that add something',
    raw(['connection: close', 'transfer-encoding: chunked'], CHUNKED.replace('\r\n', ';a=b\r\n')),
  ],
  [
    'trailers, which it does not look at',
    raw(
      ['connection: close', 'transfer-encoding: chunked'],
      CHUNKED.replace(/\r\n$/, 'x-request-id: sentinel\r\n\r\n'),
    ),
  ],
  ['its whole address', request('http://127.0.0.1/graphql', [JSON_TYPE]).replace('subgraph', '127.0.0.1')],
  ['HTTP/1.0', raw([LENGTH], BODY, 'POST /graphql HTTP/1.0')],
  ['empty lines before it', `\r\n\r\n${raw(['connection: close', LENGTH], BODY)}`],
  ['an upgrade to HTTP/2', raw(['connection: upgrade, close', 'upgrade: h2c', LENGTH], BODY)],
  ['1 500 headers', raw([...Array.from({ length: 1_500 }, () => 'x: a'), 'connection: close', LENGTH], BODY)],
  ['a URL of 10 000 bytes', raw(['connection: close', LENGTH], BODY, `POST /graphql?${'a'.repeat(10_000)} HTTP/1.1`)],
];

function expectRefusal({ status, headers, body }: Awaited<ReturnType<typeof send>>[number], expected: number): void {
  expect([status, headers.get('content-type')]).toEqual([
    expected,
    expect.stringMatching(/^application\/(graphql-response\+)?json\b/),
  ]);
  expect(JSON.parse(body)).toEqual({
    errors: [{ message: expect.any(String), extensions: { code: expect.stringMatching(/^[A-Z_]+$/) } }],
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
  afterEach(async () => {
    const { data } = await stack.ask('{ __typename }');
    expect(data).toEqual({ __typename: 'Query' });
  });

  test.each([...BROKEN_HEADERS, ...BROKEN_BODIES])(
    'with %s is refused once, ended, and nothing behind it is served',
    async (_what, bytes, status) => {
      const answers = await send(stack.subgraph.url, Buffer.from(bytes + SMUGGLED, 'latin1'));
      expect(answers).toHaveLength(1);
      for (const answer of answers) expectRefusal(answer, status);
      expect(JSON.stringify(answers)).not.toContain('sentinel');
      expect(stack.emulator.calls).toEqual([]);
    },
  );

  test.each(LEGAL)('with %s is served once', async (_what, bytes) => {
    const answers = await send(stack.subgraph.url, Buffer.from(bytes, 'latin1'));
    expect(answers.map(({ status, body }) => [status, body.trim()])).toEqual([
      [200, '{"data":{"__typename":"Query"}}'],
    ]);
    expect(JSON.stringify([...(answers[0]?.headers ?? [])])).not.toContain('sentinel');
  });

  test('serves many requests that come at once, in their order', async () => {
    const bodies = Array.from({ length: 200 }, (_, index) => JSON.stringify({ query: `{ a${index}: __typename }` }));
    const bytes = bodies.map((body) => raw([`content-length: ${body.length}`], body)).join('');
    const answers = await send(stack.subgraph.url, bytes + raw(['connection: close', LENGTH], BODY));
    expect(answers.map(({ body }) => /"(\w+)":"Query"/.exec(body)?.[1])).toEqual([
      ...bodies.map((_, index) => `a${index}`),
      '__typename',
    ]);
  });

  test('never gets a refusal in place of the answer to an earlier request', async () => {
    const bytes = raw([LENGTH], BODY).repeat(3);
    const answers = await send(stack.subgraph.url, `${bytes}sentinel\r\n\r\n`);
    // Those that were under way may be cut off; what comes must be in its place.
    expect([200, 200, 200, 400].slice(0, answers.length)).toEqual(answers.map(({ status }) => status));
  });

  test('gets no second answer when the rest of a request that was answered early is broken', async () => {
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
    ['an expectation that nobody can meet', raw(['expect: sentinel', 'connection: close', LENGTH], BODY), 417],
    ['a tunnel', 'CONNECT sentinel:443 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n', 400],
    ['a question about the server', 'OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n', 404],
    ['a method that is not for GraphQL', raw(['connection: close'], '', 'TRACE /graphql HTTP/1.1'), 405],
    ['the oldest HTTP', 'GET /graphql\r\n\r\n', 400],
  ])('with %s is refused as JSON', async (_what, bytes, status) => {
    const answers = await send(stack.subgraph.url, bytes);
    expect(answers).toHaveLength(1);
    for (const answer of answers) expectRefusal(answer, status);
    expect(JSON.stringify(answers)).not.toContain('sentinel');
  });

  test('is told to go on with a body that it asks about, and refused one that is too large', async () => {
    const asks = ['expect: 100-continue', 'connection: close'];
    const small = await send(stack.subgraph.url, raw([...asks, LENGTH], BODY));
    expect(small.map(({ status }) => status)).toEqual([100, 200]);
    const large = await send(stack.subgraph.url, raw([...asks, 'content-length: 400000'], ''));
    expect(large.at(-1)?.status).toBe(413);
  });

  test('does not become a web socket', async () => {
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

  test('is kept longer than balancers and the pools of routers keep theirs', async () => {
    const { headers } = await stack.ask('{ __typename }');
    expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(60);
  });

  test('is served while hundreds of others do not come to the point', async () => {
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
  const createServer = http.createServer.bind(http) as (options: http.ServerOptions, listener: unknown) => Server;

  /** Starts a stack, with the one change that the GraphQL listener's own HTTP server gets other numbers. */
  async function startWith(numbers: http.ServerOptions): Promise<{ stack: Stack; server: Server }> {
    let server: Server | undefined;
    const spy = jest.spyOn(http, 'createServer').mockImplementation(((
      options: http.ServerOptions,
      listener: unknown,
    ) => {
      const ofGraphQL = typeof options === 'object' && 'headersTimeout' in options;
      const created = createServer(ofGraphQL ? { ...options, ...numbers } : options, listener);
      if (ofGraphQL) server = created;
      return created;
    }) as typeof http.createServer);
    const stack = await startStack();
    spy.mockRestore();
    if (server === undefined) throw new Error('the GraphQL listener has no HTTP server');
    return { stack, server };
  }

  test('are set: for a header, for a whole request, and for how many there are', async () => {
    const { stack, server } = await startWith({});
    expect(server.headersTimeout).toBeGreaterThan(0);
    expect(server.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(server.requestTimeout).toBeGreaterThanOrEqual(server.headersTimeout);
    expect(server.requestTimeout).toBeLessThanOrEqual(15_000);
    expect(server.maxConnections).toBe(4_096);
    await stack.close();
  });

  test.each([
    ['a header', raw([LENGTH], '').slice(0, 40)],
    ['a body', raw([LENGTH], '{"query')],
  ])('end those that take too long for %s, with one refusal as JSON', async (_what, bytes) => {
    const { stack, server } = await startWith({ connectionsCheckingInterval: 20 });
    server.headersTimeout = 100;
    server.requestTimeout = 100;
    const answers = await send(stack.subgraph.url, bytes);
    expect(answers).toHaveLength(1);
    for (const answer of answers) expectRefusal(answer, 408);
    await stack.close();
  });

  test('turn away those that are too many, and serve again when one has gone', async () => {
    const { stack, server } = await startWith({});
    server.maxConnections = 1;
    const first = open(stack.subgraph.url);
    const served = once(first, 'data');
    first.write(raw([LENGTH], BODY));
    await served;
    expect(await collect(open(stack.subgraph.url))).toBe('');
    const gone = new Promise((resolve) => server.once('connection', resolve));
    first.destroy();
    // The place is free once the server has noticed.
    for (let reached = false; !reached;) {
      const next = open(stack.subgraph.url);
      const ended = collect(next);
      next.write(raw(['connection: close', LENGTH], BODY));
      reached = (await ended).startsWith('HTTP/1.1 200');
    }
    await gone;
    await stack.close();
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

  test.each(BROKEN_HEADERS)('with %s is refused once and ended', async (_what, bytes, status) => {
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
  ])('answers %s with a few words of its own', async (first, status) => {
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

/** Reads until the other side hangs up. */
async function collect(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  await once(socket, 'close');
  return received;
}
