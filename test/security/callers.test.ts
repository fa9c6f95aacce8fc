import { AUDIENCE, createSigningKey, type Issuer, signJwt, startIssuer, SUBJECT, toJwk } from '../support/issuer';
import { credentials, ENTITIES, representations, ROUTER_SECRET, type Stack, startStack } from '../support/stack';
import { JSON_TYPE, request, send } from './wire';

const UNAUTHENTICATED =
  '{"errors":[{"message":"The request does not show who is asking.","extensions":{"code":"UNAUTHENTICATED"}}]}';
const ROUTER = `router-authorization: ${ROUTER_SECRET}`;

describe('the door of a subgraph in strict mode', () => {
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

  const knock = (bytes: string) => send(stack.subgraph.url, bytes);

  async function expectUnauthenticated(bytes: string): Promise<void> {
    const answers = await knock(bytes);
    expect(answers.map(({ status, body }) => [status, body])).toEqual([[401, UNAUTHENTICATED]]);
    expect(stack.emulator.calls).toEqual([]);
  }

  test('opens to a router with its secret and a caller with a token, however the header names are written', async () => {
    for (const name of ['router-authorization', 'Router-Authorization', 'ROUTER-AUTHORIZATION']) {
      const [answer] = await knock(request('/graphql', [JSON_TYPE, `${name}: ${ROUTER_SECRET}`, bearer]));
      expect(JSON.parse(answer?.body ?? '')).toEqual({ data: { __typename: 'Query' } });
    }
  });

  test.each([
    ['no credential', []],
    ['an empty one', ['router-authorization:']],
    ['a wrong one', [`router-authorization: ${'x'.repeat(ROUTER_SECRET.length)}`]],
    ['a prefix of it', [ROUTER.slice(0, -1)]],
    ['more than it', [`${ROUTER}x`]],
    ['it twice in one header', [`${ROUTER}, ${ROUTER_SECRET}`]],
    ['it after a comma', [`router-authorization: x,${ROUTER_SECRET}`]],
    ['it in two headers', [ROUTER, ROUTER]],
    ['it after a wrong one', ['router-authorization: wrong', ROUTER]],
    ['it before an empty one', [ROUTER, 'Router-Authorization:']],
    ['it with a scheme', [`router-authorization: Bearer ${ROUTER_SECRET}`]],
    ['it with a scheme in lower case', [`router-authorization: bearer ${ROUTER_SECRET}`]],
    ['it in capitals', [`router-authorization: ${ROUTER_SECRET.toUpperCase()}`]],
    ['it in quotes', [`router-authorization: "${ROUTER_SECRET}"`]],
    ['it under another name', [`router_authorization: ${ROUTER_SECRET}`, `x-router-authorization: ${ROUTER_SECRET}`]],
    ['it with a character that looks the same', [`router-authorization: ${ROUTER_SECRET.replace('e', '\u0435')}`]],
  ])('does not open to %s, in the same words', async (_what, lines) => {
    await expectUnauthenticated(request('/graphql', [JSON_TYPE, ...lines, bearer]));
  });

  test('does not open to a credential that comes after the body', async () => {
    const head = ['POST /graphql HTTP/1.1', 'host: x', 'connection: close', JSON_TYPE, 'transfer-encoding: chunked'];
    const trailers = [ROUTER, bearer].join('\r\n');
    await expectUnauthenticated(
      `${head.join('\r\n')}\r\n\r\n1a\r\n{"query":"{ __typename }"}\r\n0\r\n${trailers}\r\n\r\n`,
    );
  });

  test.each([
    ['the SDL', request('/graphql', [JSON_TYPE], '{"query":"{ _service { sdl } }"}')],
    ['its name', request('/graphql', [JSON_TYPE])],
    ['what is not there', request('/nowhere', [JSON_TYPE])],
    ['what cannot be decoded', request('/graphql/%zz', [JSON_TYPE])],
    ['another method', request('/graphql', [], '', 'GET')],
    ['a preflight', request('/graphql', ['origin: https://evil.example'], '', 'OPTIONS')],
    ['the IDE', request('/', [], '', 'GET')],
    ['a file of the IDE', request('/ide/main.js', [], '', 'GET')],
    ['a body that does not parse', request('/graphql', [JSON_TYPE], '{"query":')],
    ['a body of another type', request('/graphql', ['content-type: text/plain'], 'x')],
    ['a body that is too large', request('/graphql', [JSON_TYPE], 'x'.repeat(300_000))],
    ['a list of requests', request('/graphql', [JSON_TYPE], '[{"query":"{ __typename }"}]')],
  ])('tells a stranger nothing of %s', async (_what, bytes) => {
    await expectUnauthenticated(bytes);
  });

  test('tells a stranger of what is not HTTP only that it is', async () => {
    const [answer] = await knock('sentinel\r\n\r\n');
    expect([answer?.status, answer?.body]).toEqual([400, expect.stringMatching(/"code":"BAD_REQUEST"\}\}\]\}$/)]);
    expect(answer?.body).not.toContain('sentinel');
  });

  test('does not read the body of a stranger', async () => {
    const head = ['POST /graphql HTTP/1.1', 'host: x', 'connection: close', JSON_TYPE, 'content-length: 262144'];
    await expectUnauthenticated(`${head.join('\r\n')}\r\n\r\n{`);
  });

  test.each<[string, () => string[]]>([
    ['no token', () => []],
    ['an empty one', () => ['authorization:']],
    ['another scheme', () => ['authorization: Basic dXNlcjpwYXNz']],
    ['one that is out of date', () => [token({ exp: 1_700_000_000 })]],
    ['one that never expires', () => [token({ exp: undefined })]],
    ['one that is not valid yet', () => [token({ nbf: 4_000_000_000 })]],
    ['one for somebody else', () => [token({ aud: 'another' })]],
    ['one for nobody', () => [token({ aud: undefined })]],
    ['one of another issuer', () => [token({ iss: 'https://evil.example/oidc' })]],
    ['an id_token with a nonce', () => [token({ nonce: 'n' })]],
    ['an id_token with at_hash', () => [token({ at_hash: 'h' })]],
    ['one without a signature', () => [`authorization: Bearer ${issuer.token({}, { alg: 'none' })}`]],
    ['one signed with the public key as a secret', () => [`authorization: Bearer ${confused()}`]],
    ['one of an algorithm that is not agreed', () => [`authorization: Bearer ${issuer.token({}, { alg: 'RS512' })}`]],
    ['one that brings its own key', () => [`authorization: Bearer ${ownKey()}`]],
    ['one whose claims were changed', () => [`authorization: Bearer ${changed()}`]],
    ['one that is larger than a header may be', () => [token({ padding: 'x'.repeat(8_000) })]],
    ['one twice', () => [token(), token()]],
    ['one after an empty one', () => ['authorization:', token()]],
    ['two in one header', () => [`${token()}, Bearer ${issuer.token()}`]],
    ['one in a cookie', () => [`cookie: authorization=${issuer.token()}; access_token=${issuer.token()}`]],
    ['a name that a proxy would set', () => [`x-user-id: ${SUBJECT}`, `x-forwarded-user: ${SUBJECT}`]],
  ])('does not open to a router whose caller has %s, in the same words', async (_what, lines) => {
    await expectUnauthenticated(request('/graphql', [JSON_TYPE, ROUTER, ...lines()]));
  });

  test('takes no token from the address or the body', async () => {
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

describe('the keys of the door', () => {
  test('rotate without a moment in which the router is locked out', async () => {
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

  test('that cannot be fetched are not the caller’s fault, and are asked for until they are there', async () => {
    const issuer = await startIssuer();
    issuer.misbehaviour.jwks = { status: 503 };
    const stack = await startStack({ issuer });
    const ask = () => stack.ask('{ __typename }', {}, credentials(issuer.token()));
    const { status, headers, errors } = await ask();
    expect([status, errors[0]?.extensions]).toEqual([503, { code: 'KEYS_UNAVAILABLE' }]);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    const stranger = await stack.ask('{ __typename }', {}, { authorization: `Bearer ${issuer.token()}` });
    expect(stranger.status).toBe(401);
    issuer.misbehaviour = {};
    await issuer.fetched(2);
    let later = await ask();
    while (later.status === 503) later = await ask();
    expect(later.data).toEqual({ __typename: 'Query' });
    await stack.close();
    await issuer.close();
  });

  test('are not asked for again by tokens with key ids that somebody made up', async () => {
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
  test('jwt asks for a token alone', async () => {
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

  test('router asks for the secret alone, and takes the router’s word for what the caller may do', async () => {
    const stack = await startStack({ env: { AUTH_MODE: 'router', ROUTER_SECRETS: ROUTER_SECRET } });
    const users = representations(stack.emulator.store.users().map(({ profile }) => profile.userId));
    expect((await stack.ask(ENTITIES, users)).status).toBe(401);
    const { errors } = await stack.ask(ENTITIES, users, { 'router-authorization': ROUTER_SECRET });
    expect(errors).toEqual([]);
    await stack.close();
  });
});
