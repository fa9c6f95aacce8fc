import { type Issuer, startIssuer } from '../support/issuer';
import { credentials, type Stack, startStack } from '../support/stack';
import { JSON_TYPE, request, send } from '../support/rawHttp';

const SERVED = { data: { __typename: 'Query' } };
const BODY = '{"query":"{ __typename }"}';

describe('an HTTP request', () => {
  let issuer: Issuer;
  let stack: Stack;
  let valid: string[];

  beforeAll(async () => {
    issuer = await startIssuer();
    stack = await startStack({ issuer, env: { INTROSPECTION: 'on' } });
    valid = Object.entries(credentials(issuer.token())).map(([name, value]) => `${name}: ${value}`);
  });
  afterAll(async () => {
    await stack.close();
    await issuer.close();
  });

  const sendRaw = (bytes: string) => send(stack.subgraph.url, bytes);
  const head = (...lines: string[]) =>
    ['POST /graphql HTTP/1.1', 'host: x', JSON_TYPE, ...valid, ...lines].join('\r\n');

  test.each<[string, () => string]>([
    ['two lengths', () => `${head('content-length: 26', 'content-length: 0')}\r\n\r\n${BODY}`],
    [
      'a length and chunks',
      () => `${head('content-length: 4', 'transfer-encoding: chunked')}\r\n\r\n1a\r\n${BODY}\r\n0\r\n\r\n`,
    ],
    [
      'an unknown transfer encoding',
      () => `${head('content-length: 26', 'transfer-encoding: xchunked')}\r\n\r\n${BODY}`,
    ],
    ['a length with a sign', () => `${head('content-length: +26')}\r\n\r\n${BODY}`],
    ['a space before the colon', () => `${head('content-length : 26')}\r\n\r\n${BODY}`],
    ['a header over two lines', () => `${head('x-a: 1\r\n b', 'content-length: 26')}\r\n\r\n${BODY}`],
    ['a line feed alone', () => `${head('x-a: 1\nx-b: 2', 'content-length: 26')}\r\n\r\n${BODY}`],
    ['a NUL in a header', () => `${head('x-a: \0', 'content-length: 26')}\r\n\r\n${BODY}`],
  ])('is rejected and closes its connection if it has %s', async (_what, bytes) => {
    const answers = await sendRaw(`${bytes()}GET /graphql HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(answers[0]?.headers.get('connection')).toBe('close');
  });

  test('is rejected if its headers are larger than 16 KiB', async () => {
    const [answer] = await sendRaw(request('/graphql', [JSON_TYPE, ...valid, `x-a: ${'x'.repeat(17_000)}`]));
    expect(answer?.status).toBe(431);
  });

  test('is authenticated for itself, whatever the connection carried before', async () => {
    const unauthenticated = request('/graphql', [JSON_TYPE]).replace('connection: close\r\n', '');
    const authenticated = request('/graphql', [JSON_TYPE, ...valid]).replace('connection: close\r\n', '');
    const last = request('/graphql', [JSON_TYPE]);
    // The token is verified once. Afterwards all requests of a packet are authenticated in the same turn.
    await sendRaw(request('/graphql', [JSON_TYPE, ...valid]));
    const answers = await sendRaw(authenticated + unauthenticated + authenticated + unauthenticated + last);
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 401, 401]);
  });

  test.each([
    ['HTTP/1.0', 200, (text: string) => text.replace('HTTP/1.1', 'HTTP/1.0')],
    ['200 headers', 200, (text: string) => text.replace('\r\n\r\n', `\r\n${'a:b\r\n'.repeat(200)}\r\n`)],
    ['a percent-encoded letter', 200, (text: string) => text.replace('/graphql', '/%67raphql')],
    ['an absolute URL', 200, (text: string) => text.replace('/graphql', 'http://evil.example/graphql')],
    ['two slashes', 404, (text: string) => text.replace('/graphql', '//graphql')],
    ['a slash at the end', 404, (text: string) => text.replace('/graphql', '/graphql/')],
    ['a semicolon', 404, (text: string) => text.replace('/graphql', '/graphql;x')],
    ['a dot', 404, (text: string) => text.replace('/graphql', '/./graphql')],
    ['capitals', 404, (text: string) => text.replace('/graphql', '/GraphQL')],
  ])('is authenticated whatever its form: %s', async (_what, status, change) => {
    const [answer] = await sendRaw(change(request('/graphql', [JSON_TYPE, ...valid])));
    expect(answer?.status).toBe(status);
    if (status === 200) expect(JSON.parse(answer?.body ?? '')).toEqual(SERVED);
    const [unauthenticated] = await sendRaw(change(request('/graphql', [JSON_TYPE])));
    expect(unauthenticated?.status).toBe(401);
  });

  test.each([
    ['application/json;charset=utf-8', 200],
    ['APPLICATION/JSON', 200],
    ['application/jsonX', 415],
    ['application/json-patch+json', 415],
    ['text/plain; application/json', 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded; charset=application/json', 415],
    ['multipart/form-data; boundary=application/json', 415],
    ['application', 415],
    ['/', 415],
  ])('is read as JSON only with that content type: %s', async (type, status) => {
    const [answer] = await sendRaw(request('/graphql', [`content-type: ${type}`, ...valid]));
    expect(answer?.status).toBe(status);
  });

  test('is not decoded with another character set', async () => {
    const body = Buffer.from(BODY, 'utf16le').toString('latin1');
    const bytes = request('/graphql', ['content-type: application/json; charset=utf-16', ...valid], body);
    const [answer] = await send(stack.subgraph.url, Buffer.from(bytes, 'latin1'));
    expect(answer?.status).toBe(400);
  });

  test('gets no CORS headers', async () => {
    const origin = ['origin: https://evil.example', 'access-control-request-method: POST'];
    const [preflight] = await sendRaw(request('/graphql', [...origin, ...valid], '', 'OPTIONS'));
    const [answer] = await sendRaw(request('/graphql', [JSON_TYPE, ...origin, ...valid]));
    expect([preflight?.status, answer?.status]).toEqual([405, 200]);
    for (const { headers } of [preflight, answer].filter((each) => each !== undefined)) {
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  test.each([
    '/ide/..%2f..%2fpackage.json',
    '/ide/../../package.json',
    '/ide/%2e%2e/%2e%2e/package.json',
    '/ide/..%5c..%5cpackage.json',
    '/ide//etc/passwd',
    '/ide/%2fetc%2fpasswd',
    '/ide/..;/package.json',
    '/ide/.env',
    '/ide/%00',
    '/ide/%ff',
    '/ide/package.json',
    '/ide/main.js/',
  ])('cannot read files outside the folder of the IDE: %s', async (path) => {
    const [answer] = await sendRaw(request(path, valid, '', 'GET'));
    expect(answer?.status).toBeGreaterThanOrEqual(400);
    expect(answer?.status).toBeLessThan(500);
    expect(answer?.body).not.toMatch(/"dependencies"|root:|\/dist|node_modules/);
    expect(answer?.headers.get('cache-control')).toBe('no-store');
  });
});
