import { FastPath } from '../../src/graphql/fastPath';
import { representations } from '../support/stack';
import { type Operation, SEED } from './operations';
import { TwoExecutors } from './twoExecutors';

const WECHAT = SEED.extIdps[0]?.id ?? '';
const GITHUB = SEED.extIdps[1]?.id ?? '';
const USERS = SEED.users.map(({ id = '' }) => id);
const [, USER = '', OTHER = ''] = USERS;
const users = (...ids: string[]) => representations(ids).representations;

const BATCHED = {
  __batch_reps_0: users(USER, OTHER),
  __batch_reps_1: users(OTHER),
};

/** The texts of operations as routers sent them to this subgraph, and as their documentation describes them. */
const SENT_BY_ROUTERS: [router: string, query: string, variables: Record<string, unknown>][] = [
  [
    '@apollo/gateway, for a query',
    'query Q__identities__1($representations:[_Any!]!){_entities(representations:$representations){...on User{identities{provider extIdpId}}}}',
    { representations: users(USER, OTHER) },
  ],
  [
    '@apollo/gateway, for a mutation',
    'mutation U__identities__0($u:ID!$e:ID!){unlinkIdentity(userId:$u extIdpId:$e){success apiCode requestId user{__typename id identities{provider extIdpId}}}}',
    { u: USER, e: GITHUB },
  ],
  [
    'Apollo Router, with generated fragments',
    'query Q__identities__1($representations:[_Any!]!){_entities(representations:$representations){..._generated_onUser1_0}}fragment _generated_onUser1_0 on User{identities{provider}}',
    { representations: users(USER) },
  ],
  [
    'Hive Gateway, for a query',
    'query Q($representations:[_Any!]!){_entities(representations:$representations){__typename ...on User{identities{provider extIdpId}}}}',
    { representations: users(USER, OTHER) },
  ],
  [
    'Hive Gateway, for two queries that it combines',
    'query A($_v0_representations:[_Any!]!$_v1_representations:[_Any!]!){_v0__entities:_entities(representations:$_v0_representations){__typename ...on User{i:identities{p:provider}}}_v1__entities:_entities(representations:$_v1_representations){__typename ...on User{identities{type}}}}',
    { _v0_representations: users(USER), _v1_representations: users(USER, OTHER) },
  ],
  [
    'Hive Router, for two fetches that it combines',
    'query($__batch_reps_0:[_Any!]!, $__batch_reps_1:[_Any!]!){_e0: _entities(representations: $__batch_reps_0){...on User{identities{type}}} _e1: _entities(representations: $__batch_reps_1){...on User{identities{provider}}}}',
    BATCHED,
  ],
  [
    'Hive Router, for two fetches of which one has no users',
    'query Empty($__batch_reps_0:[_Any!]!, $__batch_reps_1:[_Any!]!){_e0: _entities(representations: $__batch_reps_0){...on User{identities{type}}} _e1: _entities(representations: $__batch_reps_1){...on User{identities{provider}}}}',
    { ...BATCHED, __batch_reps_0: [] },
  ],
  [
    'Hive Router, for a mutation with literals',
    `mutation{unlinkIdentity(extIdpId: "${GITHUB}", type: "generic", userId: "${USER}"){success user{__typename id identities{provider}}}}`,
    {},
  ],
  [
    'Grafbase, for a query',
    'query($var0: [_Any!]!) { _entities(representations: $var0) { ... on User { identities { provider extIdpId } } } }',
    { var0: users(USER) },
  ],
  [
    'Grafbase, for a mutation',
    'mutation($e: ID!, $u: ID!) { unlinkIdentity(extIdpId: $e, userId: $u) { success apiCode requestId user { id identities { provider extIdpId } } } }',
    { u: USER, e: GITHUB },
  ],
  [
    'Mercurius gateway',
    'query EntitiesQuery($representations: [_Any!]!) {\n  _entities(representations: $representations) {\n    __typename\n    ... on User { identities { provider } __typename }\n  }\n}',
    { representations: users(USER) },
  ],
  [
    'Cosmo, for fetches that it combines, one of which a condition leaves out',
    'query($_0: [_Any!]!, $_1: [_Any!]!, $include_1: Boolean!) { _0: _entities(representations: $_0) { ... on User { identities { type } } } _1: _entities(representations: $_1) @include(if: $include_1) { ... on User { identities { provider } } } __typename }',
    { _0: users(USER), _1: [], include_1: false },
  ],
  [
    'a router that passes on a condition of the client',
    'query($representations: [_Any!]!, $profile: Boolean! = false) { _entities(representations: $representations) { ... on User { identities { type userInfoInIdp @include(if: $profile) } } } }',
    { representations: users(USER, OTHER) },
  ],
];

describe('operations of routers', () => {
  let both: TwoExecutors;
  let accepted: jest.SpyInstance;

  beforeAll(async () => {
    both = await TwoExecutors.start();
  });
  beforeEach(() => {
    both.reset();
    accepted = jest.spyOn(FastPath.prototype, 'accepted');
  });
  afterEach(() => accepted.mockRestore());
  afterAll(() => both.close());

  const usual = { operationName: undefined, accept: undefined, caller: 'administrator', isCompiled: true } as const;
  const request = (query: string, variables: Record<string, unknown>): Operation => ({ ...usual, query, variables });

  test.each(SENT_BY_ROUTERS)(
    'are executed by their plans from the first request on: %s',
    async (_router, query, variables) => {
      const { body } = await both.expectSame(request(query, variables));
      expect(body).not.toContain('"errors"');
      // Apollo Server has accepted the operation, and a plan has executed it.
      expect(accepted.mock.results.some(({ value }) => value !== null)).toBe(true);
      expect((await both.expectSame(request(query, variables))).wasCompiled).toBe(true);
    },
  );

  test('are read in one call, however many `_entities` fields they combine', async () => {
    const fields = USERS.map(
      (_, i) => `_e${i}: _entities(representations: $r${i}) { ... on User { identities { id } } }`,
    );
    const declared = USERS.map((_, i) => `$r${i}: [_Any!]!`);
    const variables = Object.fromEntries(USERS.map((id, i) => [`r${i}`, users(id, USER)]));
    const { calls } = await both.expectSame(request(`query (${declared.join()}) { ${fields.join(' ')} }`, variables));
    expect(calls).toEqual([expect.objectContaining({ userIds: [...USERS].sort() })]);
  });

  test('need no call for users of whom only `id` and `__typename` are selected', async () => {
    const query = 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on User { id } } }';
    const { body, calls } = await both.expectSameTwice(request(query, { r: users(USER, 'not an id') }));
    expect(calls).toEqual([]);
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ path: ['_entities', 1], extensions: { code: 'BAD_USER_INPUT' } }],
      data: { _entities: [{ __typename: 'User', id: USER }, null] },
    });
  });

  test('need no further call for the user of an unlink', async () => {
    const unlink = (selection: string) =>
      request(`mutation { unlinkIdentity(userId: "${USER}", extIdpId: "${WECHAT}") { success ${selection} } }`, {});
    const { calls } = await both.expectSame(unlink(''));
    for (const selection of ['user { id }', 'user { __typename id identities { id } } removed { id }']) {
      const withUser = await both.expectSame(unlink(selection));
      expect(withUser.calls).toEqual(calls);
      expect(withUser.body).toContain(`"id":"${USER}"`);
    }
  });

  describe('that ask for a response of more than 32 MiB', () => {
    const ALIASES = Array.from({ length: 15 }, (_, i) => `a${i}: userInfoInIdp`).join(' ');

    beforeEach(() => {
      const photo = 'x'.repeat(3 * 1024 * 1024);
      for (const { store } of both.emulators) {
        store.link(OTHER, { extIdpId: GITHUB, type: 'large', userIdInIdp: 'l', userInfoInIdp: { photo } });
      }
    });
    afterEach(() => {
      for (const { store } of both.emulators) store.unlink({ userId: OTHER, extIdpId: GITHUB, type: 'large' });
    });

    /** Sends to one executor, without removing the large identity before. */
    const send = async (query: string, side: 'fast' | 'reference') =>
      both.send(both[side], request(query, { r: users(OTHER) }));

    test.each(['fast', 'reference'] as const)('are refused if they are queries (%s)', async (side) => {
      const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { identities { ${ALIASES} } } } }`;
      for (let time = 0; time < 2; time++) {
        const { status, body } = await send(query, side);
        expect([status, JSON.parse(body)]).toEqual([
          400,
          {
            errors: [
              {
                message: expect.stringContaining('32 MiB'),
                extensions: { code: 'BAD_USER_INPUT', validationErrorCode: 'RESPONSE_TOO_LARGE' },
              },
            ],
          },
        ]);
      }
      const one = await send(query.replace(ALIASES, 'userInfoInIdp'), side);
      expect([one.status, one.body.length > 3_000_000]).toEqual([200, true]);
    });

    test('keep the payload of an unlink that was executed, without the user', async () => {
      const query = `mutation { unlinkIdentity(userId: "${OTHER}", extIdpId: "${WECHAT}") { success user { identities { ${ALIASES} } } } }`;
      const { status, body, executions } = await send(query, 'fast');
      expect([status, JSON.parse(body)]).toEqual([200, { data: { unlinkIdentity: { success: true, user: null } } }]);
      expect(executions.length).toBeGreaterThan(0);
    });
  });
});
