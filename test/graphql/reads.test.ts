import { createPool } from '../../src/emulator';
import { ENTITIES, type EntitiesAnswer, representations, type Stack, startStack } from '../support/stack';

const POOL = createPool({ users: 1_000, identitiesPerUser: 2 });

const UNAVAILABLE = { code: 'UPSTREAM_UNAVAILABLE', retryAfterMs: 1_000 };

describe('User.identities', () => {
  let stack: Stack;
  let ids: string[];

  beforeAll(async () => {
    stack = await startStack({ emulator: { seed: POOL, qps: Infinity }, env: { GENAUTH_MAX_QPS: '100000' } });
    ids = stack.emulator.store.users().map(({ profile }) => profile.userId);
  });
  afterAll(() => stack.close());
  beforeEach(() => stack.emulator.clearCalls());

  function callsByRoute(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { route } of stack.emulator.calls) counts[String(route)] = (counts[String(route)] ?? 0) + 1;
    return counts;
  }

  test.each([
    [1, 1],
    [50, 1],
    [51, 2],
    [120, 3],
    [1_000, 20],
  ])('of %i users costs %i calls', async (users, calls) => {
    const { data, errors } = await stack.ask<EntitiesAnswer>(ENTITIES, representations(ids.slice(0, users)));
    expect(errors).toEqual([]);
    expect(data?._entities.map((user) => user?.id)).toEqual(ids.slice(0, users));
    expect(data?._entities.every((user) => user?.identities?.length === 2)).toBe(true);
    expect(callsByRoute()).toEqual({ 'GET /api/v3/get-user-batch': calls });
  });

  test('costs the same under any mix of aliases and repeated representations', async () => {
    const some = ids.slice(0, 60);
    const query = `query ($a: [_Any!]!, $b: [_Any!]!) {
      first: _entities(representations: $a) { ... on User { one: identities { id } two: identities { provider } } }
      second: _entities(representations: $b) { ... on User { identities { type } } }
    }`;
    const { data, errors } = await stack.ask<Record<string, unknown[]>>(query, {
      a: representations([...some, ...some]).representations,
      b: representations(some.toReversed()).representations,
    });
    expect(errors).toEqual([]);
    expect([data?.['first']?.length, data?.['second']?.length]).toEqual([120, 60]);
    expect(callsByRoute()).toEqual({ 'GET /api/v3/get-user-batch': 2 });
  });

  test('is batched across requests while calls are in progress', async () => {
    const env = { GENAUTH_MAX_QPS: '100000', GENAUTH_MAX_CONCURRENCY: '1' };
    const slow = await startStack({ emulator: { seed: POOL, qps: Infinity }, env });
    try {
      slow.emulator.faults.set('get-user-batch', 'latency:100');
      const answers = await Promise.all(
        ids.slice(0, 200).map((id) => slow.ask<EntitiesAnswer>(ENTITIES, representations([id]))),
      );
      expect(answers.map(({ data }) => data?._entities[0]?.id)).toEqual(ids.slice(0, 200));
      // Without batching there would be 200 calls. How close to 4 it comes depends on when requests arrive.
      expect(slow.emulator.calls.length).toBeLessThan(40);
    } finally {
      await slow.close();
    }
  });

  test('contains what GenAuth returns for each user, without credentials', async () => {
    const answer = await startStack();
    try {
      const users = answer.emulator.store.users();
      const { data } = await answer.ask<EntitiesAnswer>(
        ENTITIES,
        representations(users.map(({ profile }) => profile.userId)),
      );
      for (const [index, user] of users.entries()) {
        expect(data?._entities[index]?.identities?.map(({ id, type, extIdpId }) => ({ id, type, extIdpId }))).toEqual(
          user.identities.map(({ identityId: id, type, extIdpId }) => ({ id, type, extIdpId })),
        );
      }
      const stored = JSON.stringify(users.map(({ identities }) => identities));
      expect(stored).toMatch(/access_?token/i);
      expect(JSON.stringify(data)).not.toMatch(/token/i);
    } finally {
      await answer.close();
    }
  });

  test.each(['omit', 'null', '404'] as const)(
    'is not asked of a user whom GenAuth does not know, which spoils no other (batchUnknown: %s)',
    async (batchUnknown) => {
      stack.emulator.switches.batchUnknown = batchUnknown;
      const [known = '', other = ''] = ids;
      const { data, errors } = await stack.ask<EntitiesAnswer>(
        ENTITIES,
        representations([known, 'f'.repeat(24), other]),
      );
      stack.emulator.switches.batchUnknown = 'omit';
      expect(errors).toEqual([]);
      expect(data?._entities.map((user) => user?.id ?? null)).toEqual([known, null, other]);
    },
  );

  test.each([
    ['an id that no user can have', { __typename: 'User', id: 'not-an-id' }, 'userId is not an id of this user pool'],
    ['an id that is a number', { __typename: 'User', id: 12 }, /^representation must have/],
    ['no id', { __typename: 'User' }, /^representation must have/],
    ['another type', { __typename: 'Order', id: 'a'.repeat(24) }, /^representation must have/],
  ])('of %s is an error of that entity alone', async (_what, representation, message) => {
    const [first = '', last = ''] = ids;
    const { status, data, errors } = await stack.ask<EntitiesAnswer>(ENTITIES, {
      representations: [{ __typename: 'User', id: first }, representation, { __typename: 'User', id: last }],
    });
    expect(status).toBe(200);
    expect(data?._entities.map((user) => user?.id ?? null)).toEqual([first, null, last]);
    expect(errors).toEqual([
      expect.objectContaining({
        path: ['_entities', 1],
        message: expect.stringMatching(message),
        extensions: { code: 'BAD_USER_INPUT' },
      }),
    ]);
  });

  test('is null with an error when GenAuth cannot be reached, and the user is not null', async () => {
    stack.emulator.faults.set('get-user-batch', 'http-503');
    const { status, data, errors } = await stack.ask<EntitiesAnswer>(ENTITIES, representations(ids.slice(0, 2)));
    stack.emulator.faults.clear();
    expect(status).toBe(200);
    expect(data?._entities).toEqual([
      { id: ids[0], identities: null },
      { id: ids[1], identities: null },
    ]);
    expect(errors).toEqual([
      expect.objectContaining({ path: ['_entities', 0, 'identities'], extensions: UNAVAILABLE }),
      expect.objectContaining({ path: ['_entities', 1, 'identities'], extensions: UNAVAILABLE }),
    ]);
  });

  test('ends with the request’s deadline', async () => {
    const impatient = await startStack({ env: { REQUEST_DEADLINE_MS: '200' } });
    try {
      impatient.emulator.faults.set('get-user-batch', 'hang-before-execute');
      const [user] = impatient.emulator.store.users();
      const { errors } = await impatient.ask<EntitiesAnswer>(ENTITIES, representations([user?.profile.userId ?? '']));
      expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: 'DEADLINE_EXCEEDED', retryAfterMs: 1_000 }]);
    } finally {
      await impatient.close();
    }
  });
});
