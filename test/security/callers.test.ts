import { AUDIENCE, createSigningKey, type Issuer, signJwt, startIssuer, SUBJECT, toJwk } from '../support/issuer';
import { JSON_TYPE, request, send } from '../support/rawHttp';
import {
  credentials,
  ENTITIES,
  representations,
  ROUTER_SECRET,
  type Stack,
  startStack,
  userIdsOf,
} from '../support/stack';

const UNAUTHENTICATED =
  '{"errors":[{"message":"The request has no valid credentials.",' +
  '"extensions":{"code":"UNAUTHENTICATED","outcome":"NOT_EXECUTED"}}]}';
const ROUTER = `router-authorization: ${ROUTER_SECRET}`;

describe('a subgraph in strict mode', () => {
  let issuer: Issuer;
  let stack: Stack;
  let bearer: string;

  beforeAll(async () => {
    issuer = await startIssuer();
    stack = await startStack({ issuer, env: { INTROSPECTION: 'on' } });
    bearer = `authorization: Bearer ${issuer.token()}`;
  });
  afterAll(async () => {
    await stack.close();
    await issuer.close();
  });

  const sendBytes = (bytes: string) => send(stack.subgraph.url, bytes);

  async function expectUnauthenticated(bytes: string): Promise<void> {
    const responses = await sendBytes(bytes);
    expect(responses.map(({ status, body }) => [status, body])).toEqual([[401, UNAUTHENTICATED]]);
    expect(stack.emulator.calls).toEqual([]);
  }

  test('accepts a router with its secret and a caller with a token, in any case of the header names', async () => {
    for (const name of ['router-authorization', 'Router-Authorization', 'ROUTER-AUTHORIZATION']) {
      const [answer] = await sendBytes(request('/graphql', [JSON_TYPE, `${name}: ${ROUTER_SECRET}`, bearer]));
      expect(JSON.parse(answer?.body ?? '')).toEqual({ data: { __typename: 'Query' } });
    }
  });

  test.each([
    ['no credential', []],
    ['an empty secret', ['router-authorization:']],
    ['a wrong secret', [`router-authorization: ${'x'.repeat(ROUTER_SECRET.length)}`]],
    ['a prefix of the secret', [ROUTER.slice(0, -1)]],
    ['the secret and one more character', [`${ROUTER}x`]],
    ['the secret twice in one header', [`${ROUTER}, ${ROUTER_SECRET}`]],
    ['the secret after a comma', [`router-authorization: x,${ROUTER_SECRET}`]],
    ['the secret in two headers', [ROUTER, ROUTER]],
    ['the secret after a wrong one', ['router-authorization: wrong', ROUTER]],
    ['the secret before an empty one', [ROUTER, 'Router-Authorization:']],
    ['the secret with a scheme', [`router-authorization: Bearer ${ROUTER_SECRET}`]],
    ['the secret with a scheme in lower case', [`router-authorization: bearer ${ROUTER_SECRET}`]],
    ['the secret in capitals', [`router-authorization: ${ROUTER_SECRET.toUpperCase()}`]],
    ['the secret in quotes', [`router-authorization: "${ROUTER_SECRET}"`]],
    [
      'the secret under another name',
      [`router_authorization: ${ROUTER_SECRET}`, `x-router-authorization: ${ROUTER_SECRET}`],
    ],
    [
      'the secret with a character that looks the same',
      [`router-authorization: ${ROUTER_SECRET.replace('e', '\u0435')}`],
    ],
  ])('rejects a router with %s, always with the same response', async (_what, lines) => {
    await expectUnauthenticated(request('/graphql', [JSON_TYPE, ...lines, bearer]));
  });

  test('rejects credentials that are sent after the body', async () => {
    const head = ['POST /graphql HTTP/1.1', 'host: x', 'connection: close', JSON_TYPE, 'transfer-encoding: chunked'];
    const trailers = [ROUTER, bearer].join('\r\n');
    await expectUnauthenticated(
      `${head.join('\r\n')}\r\n\r\n1a\r\n{"query":"{ __typename }"}\r\n0\r\n${trailers}\r\n\r\n`,
    );
  });

  test.each([
    ['the SDL', request('/graphql', [JSON_TYPE], '{"query":"{ _service { sdl } }"}')],
    ['the type name', request('/graphql', [JSON_TYPE])],
    ['an unknown path', request('/nowhere', [JSON_TYPE])],
    ['a path that cannot be decoded', request('/graphql/%zz', [JSON_TYPE])],
    ['another method', request('/graphql', [], '', 'GET')],
    ['a preflight', request('/graphql', ['origin: https://evil.example'], '', 'OPTIONS')],
    ['the IDE', request('/', [], '', 'GET')],
    ['a file of the IDE', request('/ide/main.js', [], '', 'GET')],
    ['a body that does not parse', request('/graphql', [JSON_TYPE], '{"query":')],
    ['a body of another type', request('/graphql', ['content-type: text/plain'], 'x')],
    ['a body that is too large', request('/graphql', [JSON_TYPE], 'x'.repeat(300_000))],
    ['a list of requests', request('/graphql', [JSON_TYPE], '[{"query":"{ __typename }"}]')],
  ])('reveals nothing to an unauthenticated request: %s', async (_what, bytes) => {
    await expectUnauthenticated(bytes);
  });

  test('answers bytes that are not HTTP with 400, and repeats none of them', async () => {
    const [answer] = await sendBytes('sentinel\r\n\r\n');
    expect([answer?.status, answer?.body]).toEqual([
      400,
      expect.stringMatching(/"code":"BAD_REQUEST","outcome":"NOT_EXECUTED"\}\}\]\}$/),
    ]);
    expect(answer?.body).not.toContain('sentinel');
  });

  test('does not read the body of an unauthenticated request', async () => {
    const head = ['POST /graphql HTTP/1.1', 'host: x', 'connection: close', JSON_TYPE, 'content-length: 262144'];
    await expectUnauthenticated(`${head.join('\r\n')}\r\n\r\n{`);
  });

  test.each<[string, () => string[]]>([
    ['no token', () => []],
    ['an empty token', () => ['authorization:']],
    ['another scheme', () => ['authorization: Basic dXNlcjpwYXNz']],
    ['an expired token', () => [token({ exp: 1_700_000_000 })]],
    ['a token that never expires', () => [token({ exp: undefined })]],
    ['a token that is not valid yet', () => [token({ nbf: 4_000_000_000 })]],
    ['a token for another audience', () => [token({ aud: 'another' })]],
    ['a token without an audience', () => [token({ aud: undefined })]],
    ['a token of another issuer', () => [token({ iss: 'https://evil.example/oidc' })]],
    ['an id_token with a nonce', () => [token({ nonce: 'n' })]],
    ['an id_token with at_hash', () => [token({ at_hash: 'h' })]],
    ['a token without a signature', () => [`authorization: Bearer ${issuer.token({}, { alg: 'none' })}`]],
    ['a token signed with the public key as a secret', () => [`authorization: Bearer ${confused()}`]],
    [
      'a token with an algorithm that is not accepted',
      () => [`authorization: Bearer ${issuer.token({}, { alg: 'RS512' })}`],
    ],
    ['a token that contains its own key', () => [`authorization: Bearer ${ownKey()}`]],
    ['a token whose claims were changed', () => [`authorization: Bearer ${changed()}`]],
    ['a token that is larger than a header may be', () => [token({ padding: 'x'.repeat(8_000) })]],
    ['the same token twice', () => [token(), token()]],
    ['a token after an empty one', () => ['authorization:', token()]],
    ['two tokens in one header', () => [`${token()}, Bearer ${issuer.token()}`]],
    ['a token in a cookie', () => [`cookie: authorization=${issuer.token()}; access_token=${issuer.token()}`]],
    ['a user id in a header of a proxy', () => [`x-user-id: ${SUBJECT}`, `x-forwarded-user: ${SUBJECT}`]],
  ])('rejects a caller with %s, always with the same response', async (_what, lines) => {
    await expectUnauthenticated(request('/graphql', [JSON_TYPE, ROUTER, ...lines()]));
  });

  test('accepts no token in the URL or in the body', async () => {
    const body = JSON.stringify({ query: '{ __typename }', extensions: { authorization: `Bearer ${issuer.token()}` } });
    await expectUnauthenticated(request(`/graphql?access_token=${issuer.token()}`, [JSON_TYPE, ROUTER], body));
  });

  function token(claims: Record<string, unknown> = {}): string {
    return `authorization: Bearer ${issuer.token(claims)}`;
  }

  function usual(): object {
    return { iss: issuer.url, aud: AUDIENCE, sub: SUBJECT, exp: Math.floor(Date.now() / 1000) + 3600 };
  }

  function confused(): string {
    const [key] = issuer.keys;
    const pem = key?.publicKey.export({ type: 'spki', format: 'pem' }).toString() ?? '';
    return signJwt({ alg: 'HS256', ...{ kid: key?.kid } }, usual(), pem);
  }

  function ownKey(): string {
    const key = createSigningKey('evil');
    return signJwt({ alg: 'RS256', ...{ jwk: toJwk(key), jku: 'http://127.0.0.1:1/jwks' } }, usual(), key.privateKey);
  }

  function changed(): string {
    const [head, , signature] = issuer.token().split('.');
    const payload = Buffer.from(JSON.stringify({ ...usual(), scope: 'identity:unlink' })).toString('base64url');
    return [head, payload, signature].join('.');
  }
});

describe('secrets and keys', () => {
  test('of the router can be rotated without rejecting any request', async () => {
    const [old, next] = ['the-old-secret-of-the-router-0123456789', 'the-next-secret-of-the-router-987654321'];
    const accepted = async (env: Record<string, string>) => {
      const stack = await startStack({ env: { AUTH_MODE: 'router', ...env } });
      const statuses = [];
      for (const secret of [old, next])
        statuses.push((await stack.ask('{ __typename }', {}, { 'router-authorization': secret })).status);
      await stack.close();
      return statuses;
    };
    expect(await accepted({ ROUTER_SECRETS: old })).toEqual([200, 401]);
    expect(await accepted({ ROUTER_SECRETS: `${old},${next}` })).toEqual([200, 200]);
    expect(await accepted({ ROUTER_SECRETS: next })).toEqual([401, 200]);
  });

  test('of the issuer that cannot be fetched lead to 503, and are fetched again until they are available', async () => {
    const issuer = await startIssuer();
    issuer.misbehaviour.jwks = { status: 503 };
    const stack = await startStack({ issuer });
    const ask = () => stack.ask('{ __typename }', {}, credentials(issuer.token()));
    const { status, headers, errors } = await ask();
    expect([status, errors[0]?.extensions]).toEqual([
      503,
      { code: 'KEYS_UNAVAILABLE', outcome: 'NOT_EXECUTED', retryAfterMs: 1_000 },
    ]);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    const withoutRouter = await stack.ask('{ __typename }', {}, { authorization: `Bearer ${issuer.token()}` });
    expect(withoutRouter.status).toBe(401);
    issuer.misbehaviour = {};
    await issuer.fetched(2);
    let later = await ask();
    while (later.status === 503) later = await ask();
    expect(later.data).toEqual({ __typename: 'Query' });
    await stack.close();
    await issuer.close();
  });

  test('of the issuer are not fetched again for each unknown key id', async () => {
    const issuer = await startIssuer();
    const stack = await startStack({ issuer });
    const asked = Array.from({ length: 20 }, (_, index) =>
      stack.ask('{ __typename }', {}, credentials(issuer.token({}, { header: { kid: `made-up-${index}` } }))),
    );
    expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([401]));
    expect(issuer.fetches.jwks).toBeLessThan(3);
    await stack.close();
    await issuer.close();
  });
});

describe('the other modes', () => {
  test('jwt requires a token only', async () => {
    const issuer = await startIssuer();
    const stack = await startStack({ issuer, env: { AUTH_MODE: 'jwt', ROUTER_SECRETS: '' } });
    const authorization = `Bearer ${issuer.token()}`;
    expect((await stack.ask('{ __typename }', {}, { authorization })).status).toBe(200);
    expect((await stack.ask('{ __typename }')).status).toBe(401);
    expect((await stack.ask('{ __typename }', {}, { 'router-authorization': ROUTER_SECRET })).status).toBe(401);
    const [user] = stack.emulator.store.users();
    const { errors } = await stack.ask(ENTITIES, representations([user?.profile.userId ?? '']), { authorization });
    expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: 'FORBIDDEN' }]);
    await stack.close();
    await issuer.close();
  });

  test('router requires the secret only, and leaves permissions to the router', async () => {
    const stack = await startStack({ env: { AUTH_MODE: 'router', ROUTER_SECRETS: ROUTER_SECRET } });
    const users = representations(userIdsOf(stack.emulator));
    expect((await stack.ask(ENTITIES, users)).status).toBe(401);
    const { errors } = await stack.ask(ENTITIES, users, { 'router-authorization': ROUTER_SECRET });
    expect(errors).toEqual([]);
    await stack.close();
  });
});
