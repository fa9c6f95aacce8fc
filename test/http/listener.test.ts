import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthenticator } from '../../src/callers';
import { TimeLimit } from '../../src/deadline';
import type { Context } from '../../src/graphql';
import { startListener } from '../../src/http/listener';
import { ENTITIES, type Stack, startStack } from '../support/stack';
import { BODY, LENGTH, raw } from './strangeBytes';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('the GraphQL listener', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  const send = (path: string, init: RequestInit) => fetch(`${stack.subgraph.url}${path}`, init);
  const post = (body: string, headers: Record<string, string> = JSON_TYPE) =>
    send('/graphql', { method: 'POST', headers, body });

  async function expectRejection(
    response: Response,
    status: number,
    code: string,
    validationErrorCode?: string,
  ): Promise<void> {
    const { errors, ...rest } = (await response.json()) as { errors: { message: string; extensions: unknown }[] };
    expect([response.status, errors.map(({ extensions }) => extensions)]).toEqual([
      status,
      [{ code, validationErrorCode, outcome: 'NOT_EXECUTED' }],
    ]);
    expect(rest).toEqual({});
    expect(response.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json\b/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(JSON.stringify(errors)).not.toContain('sentinel');
  }

  test('responds to a GraphQL request with JSON that must not be cached', async () => {
    const response = await post(JSON.stringify({ query: '{ __typename }' }));
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each<[what: string, body: string, status: number, code: string, validationErrorCode?: string]>([
    ['a body that is not JSON', '{"query": sentinel', 400, 'BAD_REQUEST'],
    ['a list of requests', '[{"query":"{ __typename }"}]', 400, 'BAD_REQUEST'],
    ['an empty body', '', 400, 'BAD_REQUEST'],
    ['a body without a document', '{}', 400, 'BAD_REQUEST'],
    ['an empty document', '{"query":""}', 400, 'BAD_REQUEST'],
    ['variables that are not an object', '{"query":"{ __typename }","variables":"sentinel"}', 400, 'BAD_REQUEST'],
    ['extensions that are not an object', '{"query":"{ __typename }","extensions":["sentinel"]}', 400, 'BAD_REQUEST'],
    ['a number as the operation name', '{"query":"{ __typename }","operationName":3}', 400, 'BAD_REQUEST'],
    ['a body with `__proto__`', '{"query":"{ __typename }","__proto__":{"sentinel":1}}', 400, 'BAD_REQUEST'],
    ['a document that does not parse', '{"query":"{ sentinel("}', 400, 'GRAPHQL_PARSE_FAILED'],
    ['a field that does not exist', '{"query":"{ users }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown operation name', '{"query":"query A { __typename }","operationName":"sentinel"}', 400, 'BAD_REQUEST'],
    [
      'more tokens than the limit',
      JSON.stringify({ query: `{${' a'.repeat(20_000)} }` }),
      400,
      'GRAPHQL_PARSE_FAILED',
      'MAX_TOKENS',
    ],
    [
      'more bytes than the limit',
      JSON.stringify({ query: '{ __typename }', x: 'x'.repeat(300_000) }),
      413,
      'PAYLOAD_TOO_LARGE',
    ],
  ])('rejects %s', async (...[_what, body, status, code, validationErrorCode]) => {
    await expectRejection(await post(body), status, code, validationErrorCode);
  });

  test('rejects introspection unless it is on', async () => {
    const { status, errors } = await stack.ask('{ __schema { types { name } } }');
    expect(status).toBe(400);
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'GRAPHQL_VALIDATION_FAILED', validationErrorCode: 'INTROSPECTION_DISABLED', outcome: 'NOT_EXECUTED' },
    ]);
  });

  test.each([
    ['text/plain', '{"query":"{ __typename }"}'],
    ['application/x-www-form-urlencoded', 'query=%7B__typename%7D'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['application/graphql', '{ __typename }'],
  ])('rejects a body of %s', async (type, body) => {
    await expectRejection(await post(body, { 'content-type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('rejects %s with an `allow` header', async (method) => {
    const response = await send('/graphql?query=%7B__typename%7D', { method });
    expect(response.headers.get('allow')).toBe('POST');
    await expectRejection(response, 405, 'METHOD_NOT_ALLOWED');
  });

  test.each(['/', '/ide/main.js', '/graphql/x', '/sentinel', '/%zz'])('has nothing at %s', async (path) => {
    const response = await send(path, {});
    const unreadable = path === '/%zz';
    await expectRejection(response, unreadable ? 400 : 404, unreadable ? 'BAD_REQUEST' : 'NOT_FOUND');
  });

  test.each([
    [
      'an argument',
      'mutation { unlinkIdentity(userId: {sentinel: "sentinel"}, extIdpId: "b") { success } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a variable',
      'mutation ($id: ID!) { unlinkIdentity(userId: $id, extIdpId: "b") { success } }',
      { id: { sentinel: 'sentinel' } },
      'BAD_USER_INPUT',
    ],
    ['a list', ENTITIES, { representations: 'sentinel' }, 'OK'],
  ])('does not repeat the value of %s that is invalid', async (_what, query, variables, code) => {
    const response = await post(JSON.stringify({ query, variables }));
    const body = await response.text();
    expect(body).not.toContain('sentinel');
    expect(response.status).toBe(code === 'OK' ? 200 : 400);
    if (code !== 'OK') expect(body).toContain(`"code":"${code}"`);
  });

  test.each(['rebound.example', '127.0.0.1.example', '[::2]', ''])(
    'rejects the host name %j if there is no authentication',
    async (host) => {
      const { port } = new URL(stack.subgraph.url);
      const socket = connect(Number(port), '127.0.0.1');
      const body = '{"query":"{ __typename }"}';
      socket.end(
        `POST /graphql HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: application/json\r\n` +
          `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 421 /);
    },
  );

  test('responds to bytes that are not HTTP with one JSON rejection, and closes', async () => {
    const socket = connect(Number(new URL(stack.subgraph.url).port), '127.0.0.1');
    socket.end('sentinel\r\n\r\n');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      errors: [{ extensions: { code: 'BAD_REQUEST' } }],
    });
    expect(answer).not.toContain('sentinel');
  });
});

describe('a listener that closes', () => {
  test('waits until a slow client has read its response', async () => {
    const body = Buffer.alloc(24 * 1024 * 1024, 'x');
    let onAnswer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (onAnswer = resolve));
    const graphql = {
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      answer: () => {
        onAnswer();
        return Promise.resolve({ status: 200, headers: [], body });
      },
    };
    const listener = await startListener({
      host: '127.0.0.1',
      port: 0,
      graphql,
      createContext: () => ({ deadline: new TimeLimit(0) }) as unknown as Context,
      authenticator: createAuthenticator({
        mode: 'none',
        routerSecrets: [],
        tokens: null,
        onKeysFailure: () => undefined,
      }),
      loopbackNamesOnly: true,
      maxInFlight: 1,
      keepAliveMs: 75_000,
      onConnectionDropped: (reason) => expect(reason).toBeUndefined(),
      shutdown: { draining: false, closing: false },
      ide: null,
      onUnexpectedError: (error) => expect(error).toBeUndefined(),
      onRejection: (rejection) => expect(rejection).toBeUndefined(),
    });
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
    socket.write(raw([LENGTH], BODY));
    await answered;
    await pause(50);
    const closed = listener.close();
    await pause(50);
    const answer = await text(socket);
    expect(answer.length).toBeGreaterThan(body.length);
    await closed;
  });
});
