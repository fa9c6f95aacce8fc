import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { createPool } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { describeWith } from '../support/optional';
import { ask, credentials, post, representations, type Stack, startStack, UNLINK, userIdsOf } from '../support/stack';
import { type Opened, startUsers } from '../support/supergraph';
import { startApolloGateway } from './apolloGateway';
import { hiveEngine } from './gateways';
import { type Recorder, startRecorder } from './recorder';

// The table of options in docs/federation.md names these tests.

const USER = 'query ($id: ID!) { user(id: $id) { name identities { provider } } }';
const READ =
  'mutation ($userId: ID!, $extIdpId: ID!) { unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success } }';

let issuer: Issuer;
let stack: Stack;
let users: Opened;
let recorder: Recorder;
let id: string;

beforeAll(async () => {
  issuer = await startIssuer();
  stack = await startStack({
    issuer,
    emulator: { seed: createPool({ users: 20, identitiesPerUser: 2 }), qps: Infinity },
    env: { GENAUTH_MAX_QPS: '100000' },
  });
  const ids = userIdsOf(stack.emulator);
  [id = ''] = ids;
  users = await startUsers(ids);
  recorder = await startRecorder(`${stack.subgraph.url}/graphql`);
});
afterAll(async () => {
  await recorder.close();
  await users.close();
  await stack.close();
  await issuer.close();
});
beforeEach(() => recorder.requests.splice(0));
afterEach(() => stack.emulator.faults.clear());

const administrator = (): string => issuer.token({ scope: 'identity:read identity:unlink' });

/** Variables of an unlink for a user who has two identities. */
function target(): { userId: string; extIdpId: string } {
  const user = stack.emulator.store.users().find(({ identities }) => identities.length === 2);
  return { userId: user?.profile.userId ?? '', extIdpId: user?.identities[0]?.extIdpId ?? '' };
}

/** Reads and unlinks as a client of a gateway. */
async function use({ url }: Opened) {
  const headers = { authorization: `Bearer ${administrator()}` };
  const read = await ask<{ user: { identities: object[] | null } }>(url, USER, { id }, headers);
  const unlink = await ask<{ unlinkIdentity: { success: boolean } | null }>(url, READ, target(), headers);
  return { read, unlink };
}

describe('an option of @apollo/gateway', () => {
  test('apq sends the hash first, then the document, for reads and unlinks', async () => {
    const router = await startApolloGateway({ users: users.url, identities: recorder.url }, { apq: true });
    const { read, unlink } = await use(router);
    await router.close();
    expect([read.errors, unlink.errors]).toEqual([[], []]);
    expect(read.data?.user.identities).not.toBeNull();
    expect(unlink.data?.unlinkIdentity?.success).toBe(true);
    expect(recorder.requests.map(({ query }) => query === '')).toEqual([true, false, true, false]);
  });
});

describeWith(hiveEngine.isInstalled)(`an option of ${hiveEngine.name}`, () => {
  const start = (options: object): Promise<Opened> =>
    hiveEngine.start({ users: users.url, identities: recorder.url }, { IDENTITIES_OPTIONS: JSON.stringify(options) });

  test('apq sends the hash first, then the document, for reads and unlinks', async () => {
    const router = await start({ apq: true });
    const { read, unlink } = await use(router);
    await router.close();
    expect([read.errors, unlink.errors]).toEqual([[], []]);
    expect(recorder.requests.map(({ query }) => query === '')).toEqual([true, false, true, false]);
  });

  test.each([{ useGETForQueries: true }, { apq: true, useGETForHashedQueries: true }])(
    'that sends queries with GET gets 405, a code and NOT_EXECUTED, and unlinks still work: %j',
    async (options) => {
      const router = await start(options);
      const { read, unlink } = await use(router);
      await router.close();
      expect(read.errors.map(({ extensions: { code } }) => code)).toEqual(['METHOD_NOT_ALLOWED']);
      expect(unlink.data?.unlinkIdentity?.success).toBe(true);
    },
  );

  test('retry sends an unlink again, as an operation of its own', async () => {
    const router = await start({ retry: 2 });
    stack.emulator.clearCalls();
    stack.emulator.faults.set('unlink-identity', 'reset-before-execute');
    const { errors } = await ask(router.url, READ, target(), { authorization: `Bearer ${administrator()}` });
    await router.close();
    expect(errors.map(({ extensions }) => extensions['outcome'])).toEqual(['UNKNOWN']);
    expect(recorder.requests.length).toBeGreaterThan(1);
    const sent = stack.emulator.calls.filter(({ path }) => path.endsWith('/unlink-identity'));
    expect(sent).toHaveLength(recorder.requests.length);
  });
});

const FIELDS = 'id identities { provider }';

/** Operations in the forms that the options of routers produce. */
const FORMS: readonly [form: string, query: string, variables: object][] = [
  [
    'entity fetches joined with aliases',
    `query ($a: [_Any!]!, $b: [_Any!]!) {
      _0: _entities(representations: $a) { ... on User { ${FIELDS} } }
      _1: _entities(representations: $b) { ... on User { ${FIELDS} } }
    }`,
    { a: ['own'], b: ['own'] },
  ],
  [
    'entity fetches with conditions',
    `query ($a: [_Any!]!, $b: [_Any!]!, $on: Boolean!, $off: Boolean!) {
      _0: _entities(representations: $a) @include(if: $on) { ... on User { ${FIELDS} } }
      _1: _entities(representations: $b) @include(if: $off) { ... on User { ${FIELDS} } }
    }`,
    { a: ['own'], b: [], on: true, off: false },
  ],
  [
    'fragments that a router generates',
    `query ($r: [_Any!]!) { _entities(representations: $r) { ..._generated_onUser1_0 } }
     fragment _generated_onUser1_0 on User { ${FIELDS} }`,
    { r: ['own'] },
  ],
  [
    'minified operations',
    `query ($a: [_Any!]!) {_entities(representations: $a){... on User {__typename ...A}}} fragment A on User {${FIELDS}}`,
    { a: ['own'] },
  ],
];

describe('an option in the documentation of routers', () => {
  const own = () => representations([id]).representations;
  const send = (body: object, headers: Record<string, string> = {}) =>
    post(`${stack.subgraph.url}/graphql`, body, { ...credentials(administrator()), ...headers });

  test.each(FORMS)('that changes the form of operations is served: %s', async (_form, query, variables) => {
    const filledIn = Object.entries(variables).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.flatMap(own) : (value as unknown),
    ]);
    // The first request is executed by graphql-js, the following ones by a compiled plan where there is one.
    const texts = [];
    for (let round = 0; round < 2; round++) {
      const response = await send({ query, variables: Object.fromEntries(filledIn) as object });
      expect(response.status).toBe(200);
      texts.push(await response.text());
    }
    expect(texts[1]).toBe(texts[0]);
    const { data, errors } = JSON.parse(texts[0] ?? '') as { data: Record<string, object[]>; errors?: object[] };
    expect(errors).toBeUndefined();
    expect(Object.values(data).flat().length).toBeGreaterThan(0);
    for (const user of Object.values(data).flat()) expect(user).toMatchObject({ id, identities: expect.any(Array) });
  });

  test('that adds a name to the operation, or extensions for the subgraph, is served', async () => {
    const query = `query Page__identities__1($r: [_Any!]!) { _entities(representations: $r) { ... on User { ${FIELDS} } } }`;
    for (const extensions of [{ fetch_reasons: [] }, { 'hmac-signature': 'x' }, { ftv1: '' }]) {
      const body = { query, operationName: 'Page__identities__1', variables: { r: own() }, extensions };
      const { data } = (await (await send(body)).json()) as { data: object };
      expect(data).toMatchObject({ _entities: [{ id }] });
    }
  });

  test('that sends several operations in one request is refused, and nothing is executed', async () => {
    const operation = { query: UNLINK, variables: target() };
    stack.emulator.clearCalls();
    const response = await send([operation, operation]);
    const { errors } = (await response.json()) as { errors: { extensions: object }[] };
    expect([response.status, errors[0]?.extensions]).toEqual([400, { code: 'BAD_REQUEST', outcome: 'NOT_EXECUTED' }]);
    expect(stack.emulator.calls).toEqual([]);
  });

  test('that sends files is refused with 415', async () => {
    const response = await send({ query: UNLINK }, { 'content-type': 'multipart/form-data; boundary=x' });
    expect(response.status).toBe(415);
  });

  test('that replaces the caller’s Authorization is refused with 401', async () => {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=x/20261127/us-east-1/s/aws4_request, SignedHeaders=host, Signature=0';
    const response = await send({ query: UNLINK, variables: target() }, { authorization });
    const { errors } = (await response.json()) as { errors: { extensions: object }[] };
    expect([response.status, errors[0]?.extensions]).toMatchObject([401, { code: 'UNAUTHENTICATED' }]);
  });

  test('that adds headers is served', async () => {
    const headers = {
      'content-digest': 'sha-256=:x:',
      'signature-input': 'sig=()',
      signature: 'sig=:x:',
      via: '2 router',
    };
    expect((await send({ query: '{ __typename }' }, headers)).status).toBe(200);
  });

  test('that requires HTTP/2 without TLS, or TLS, finds no connection', async () => {
    const session = connectHttp2(stack.subgraph.url);
    session.on('error', () => undefined);
    const stream = session.request({ ':method': 'POST', ':path': '/graphql' });
    await expect(once(stream, 'response')).rejects.toThrow();
    session.destroy();
    const socket = connectTls({ port: Number(new URL(stack.subgraph.url).port), host: '127.0.0.1' });
    await expect(once(socket, 'secureConnect')).rejects.toThrow();
  });
});
