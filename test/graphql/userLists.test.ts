import { createPool, type Seed } from '../../src/emulator';
import { GITHUB, LARK, WECHAT } from '../../src/emulator/builtInSources';
import { type Issuer, startIssuer, SUBJECT } from '../support/issuer';
import { type Answer, credentials, type Stack, startStack, userIdsOf } from '../support/stack';

const USERS = `query ($ids: [ID!]) { identityUsers(ids: $ids) { id identities { id extIdpId userIdInIdp } } }`;
const OWNERS = `query ($extIdpId: ID!, $accounts: [String!]!) {
  usersByIdentity(extIdpId: $extIdpId, userIdsInIdp: $accounts) { id identities { id extIdpId userIdInIdp } }
}`;
const UNKNOWN = 'f'.repeat(24);
const BATCH = 'GET /api/v3/get-user-batch';

interface ListedUser {
  id: string;
  identities: { id: string; extIdpId: string; userIdInIdp: string }[] | null;
}

interface Lists {
  identityUsers?: (ListedUser | null)[];
  usersByIdentity?: (ListedUser | null)[];
}

const idsIn = (users: Lists['identityUsers']) => users?.map((user) => user?.id ?? null);
const codesOf = ({ errors }: Answer<Lists>) => errors.map(({ path, extensions }) => [path, extensions['code']]);

function callsOf({ emulator }: Stack): string[] {
  return emulator.calls.map(({ route }) => String(route));
}

/** A user whose id is that of the tokens' `sub`, and another one. */
const POOL_OF_SUBJECT: Seed = {
  extIdps: [{ id: GITHUB, name: 'GitHub', type: 'github', connections: [{ id: 'c'.repeat(24), identifier: 'g' }] }],
  users: [SUBJECT, 'a'.repeat(24)].map((id, index) => ({
    id,
    identities: [{ id: `62299d8b866d2dab79a89d0${index}`, extIdpId: GITHUB, userIdInIdp: `account-${index}` }],
  })),
};

describe.each(['fast', 'graphql-js'] as const)('with the executor %s', (EXECUTOR) => {
  let large: Stack;
  let largeIds: string[];
  let stack: Stack;
  let ids: string[];
  let strict: Stack;
  let issuer: Issuer;

  beforeAll(async () => {
    const env = { EXECUTOR, GENAUTH_MAX_QPS: '100000' };
    issuer = await startIssuer();
    large = await startStack({
      emulator: { seed: createPool({ users: 120, identitiesPerUser: 2 }), qps: Infinity },
      env,
    });
    stack = await startStack({ emulator: { qps: Infinity }, env });
    strict = await startStack({ issuer, emulator: { seed: POOL_OF_SUBJECT, qps: Infinity }, env });
    largeIds = userIdsOf(large.emulator);
    ids = userIdsOf(stack.emulator);
  });
  beforeEach(() => {
    for (const { emulator } of [large, stack, strict]) {
      emulator.clearCalls();
      emulator.faults.clear();
      Object.assign(emulator.switches, { batchOrder: 'asked', batchUnknown: 'omit' });
    }
  });
  afterAll(async () => {
    await Promise.all([large.close(), stack.close(), strict.close()]);
    await issuer.close();
  });

  const asUser = (): Record<string, string> => credentials(issuer.token());
  const asReader = (): Record<string, string> => credentials(issuer.token({ scope: 'identity:read' }));

  describe('Query.identityUsers', () => {
    test('returns users in the order of the ids, repeated ones too, and null for a user that GenAuth does not know', async () => {
      const asked = [ids[2], UNKNOWN, ids[0], ids[2]];
      const { data, errors } = await stack.ask<Lists>(USERS, { ids: asked });
      expect(errors).toEqual([]);
      expect(idsIn(data?.identityUsers)).toEqual([ids[2], null, ids[0], ids[2]]);
      expect(data?.identityUsers?.[2]?.identities).toHaveLength(3);
    });

    test('costs 3 calls for 120 users, identities included', async () => {
      const { data, errors } = await large.ask<Lists>(USERS, { ids: largeIds });
      expect(errors).toEqual([]);
      expect(idsIn(data?.identityUsers)).toEqual(largeIds);
      expect(callsOf(large)).toEqual([BATCH, BATCH, BATCH]);
    });

    test('returns the caller if ids are left out or null', async () => {
      for (const query of [USERS, '{ identityUsers { id identities { id extIdpId userIdInIdp } } }']) {
        const { data, errors } = await strict.ask<Lists>(query, {}, asUser());
        expect(errors).toEqual([]);
        expect(idsIn(data?.identityUsers)).toEqual([SUBJECT]);
      }
    });

    test('requires ids of a caller that is not a user', async () => {
      const { data, errors } = await stack.ask<Lists>(USERS, {});
      expect(data).toBeNull();
      expect(errors).toEqual([
        expect.objectContaining({
          message: 'ids is required, because the caller is not a user',
          extensions: { code: 'BAD_USER_INPUT' },
        }),
      ]);
    });

    test('refuses users that the caller may not read, known or not, without a call about them', async () => {
      const answer = await strict.ask<Lists>(USERS, { ids: ['a'.repeat(24), SUBJECT, UNKNOWN, 'no id'] }, asUser());
      expect(idsIn(answer.data?.identityUsers)).toEqual([null, SUBJECT, null, null]);
      expect(codesOf(answer)).toEqual([
        [['identityUsers', 0], 'FORBIDDEN'],
        [['identityUsers', 2], 'FORBIDDEN'],
        [['identityUsers', 3], 'BAD_USER_INPUT'],
      ]);
      expect(strict.emulator.calls.map(({ userIds }) => userIds)).toEqual([[SUBJECT]]);
    });

    test('does not lose users while GenAuth is down: their fields have the errors', async () => {
      stack.emulator.faults.set('get-user-batch', 'http-503');
      const answer = await stack.ask<Lists>(USERS, { ids: ids.slice(0, 2) });
      expect(answer.data?.identityUsers).toEqual(ids.slice(0, 2).map((id) => ({ id, identities: null })));
      expect(codesOf(answer)).toEqual([
        [['identityUsers', 0, 'identities'], 'UPSTREAM_UNAVAILABLE'],
        [['identityUsers', 1, 'identities'], 'UPSTREAM_UNAVAILABLE'],
      ]);
    });

    test('is limited to 1000 users', async () => {
      const many = Array.from({ length: 1_001 }, (_, index) => index.toString(16).padStart(24, '0'));
      const { status, errors } = await stack.ask<Lists>(USERS, { ids: many });
      expect(status).toBe(400);
      expect(errors[0]?.extensions).toMatchObject({ validationErrorCode: 'MAX_REPRESENTATIONS' });
      expect(stack.emulator.calls).toEqual([]);
    });
  });

  describe('Query.usersByIdentity', () => {
    /** The accounts of all users at one source. */
    function accountsAt(extIdpId: string): { account: string; owner: string }[] {
      return large.emulator.store.users().flatMap(({ profile, identities }) => {
        const row = identities.find((identity) => identity.extIdpId === extIdpId);
        return row === undefined ? [] : [{ account: row.userIdInIdp, owner: profile.userId }];
      });
    }

    test.each(['asked', 'reversed', 'stored'] as const)(
      'costs 3 calls for 120 accounts, and finds their owners whatever the order of rows (%s)',
      async (batchOrder) => {
        large.emulator.switches.batchOrder = batchOrder;
        const id = large.emulator.store.extIdps()[0]?.id ?? '';
        const accounts = accountsAt(id).toReversed();
        const asked = accounts.map(({ account }) => account);
        while (asked.length < 120) asked.push(`account of nobody ${asked.length}`);
        const { data, errors } = await large.ask<Lists>(OWNERS, { extIdpId: id, accounts: asked });
        expect(errors).toEqual([]);
        const owners = asked.map((_account, index) => accounts[index]?.owner ?? null);
        expect(idsIn(data?.usersByIdentity)).toEqual(owners);
        expect(callsOf(large)).toEqual([BATCH, BATCH, BATCH]);
      },
    );

    test.each(['omit', 'null', '404'] as const)(
      'is null for an account without an owner, which does not affect others (batchUnknown: %s)',
      async (batchUnknown) => {
        stack.emulator.switches.batchUnknown = batchUnknown;
        const accounts = ['1024002', '7', '1024001', '1024002'];
        const { data, errors } = await stack.ask<Lists>(OWNERS, { extIdpId: GITHUB, accounts });
        expect(errors).toEqual([]);
        expect(idsIn(data?.usersByIdentity)).toEqual([ids[1], null, ids[0], ids[1]]);
      },
    );

    test('finds one user by several accounts, under aliases, with one call', async () => {
      const query = `{
        first: usersByIdentity(extIdpId: "${LARK}", userIdsInIdp: ["23ded785", "ou_8bae746eac07cd2564654140d2a9ac61"]) { id }
        second: usersByIdentity(extIdpId: "${WECHAT}", userIdsInIdp: ["oH_5k5SflrwjGvk7wqpoBKq_cc6M"]) { id identities { id } }
      }`;
      const { data, errors } = await stack.ask<{ first: unknown[]; second: unknown[] }>(query);
      expect(errors).toEqual([]);
      expect(data?.first).toEqual([{ id: ids[2] }, { id: ids[2] }]);
      expect(data?.second).toEqual([expect.objectContaining({ id: ids[0] })]);
      expect(callsOf(stack)).toEqual([BATCH]);
    });

    test('asks for owners with all characters that can be signed', async () => {
      const accounts = ['a,b', 'a=b', 'a b', '名😀', 'a:b', '["x"]', '+%2B', '\'"\\'];
      const { data, errors } = await stack.ask<Lists>(OWNERS, { extIdpId: GITHUB, accounts });
      expect(errors).toEqual([]);
      expect(idsIn(data?.usersByIdentity)).toEqual(accounts.map(() => null));
    });

    test('rejects an account that cannot be signed alone, and a source that cannot be one', async () => {
      const accounts = ['1024001', 'a&userIds=b', '', 'a\nb', 'x'.repeat(513)];
      const answer = await stack.ask<Lists>(OWNERS, { extIdpId: GITHUB, accounts });
      expect(idsIn(answer.data?.usersByIdentity)).toEqual([ids[0], null, null, null, null]);
      expect(codesOf(answer)).toEqual([1, 2, 3, 4].map((index) => [['usersByIdentity', index], 'BAD_USER_INPUT']));
      const other = await stack.ask<Lists>(OWNERS, { extIdpId: 'a source', accounts });
      expect([other.data, codesOf(other)]).toEqual([null, [[['usersByIdentity'], 'BAD_USER_INPUT']]]);
    });

    test('has an error for each account while GenAuth is down', async () => {
      stack.emulator.faults.set('get-user-batch', 'http-503');
      const answer = await stack.ask<Lists>(OWNERS, { extIdpId: GITHUB, accounts: ['1024001', '7'] });
      expect(answer.data?.usersByIdentity).toEqual([null, null]);
      expect(codesOf(answer)).toEqual([0, 1].map((index) => [['usersByIdentity', index], 'UPSTREAM_UNAVAILABLE']));
    });

    test('is only for callers with the scope for reading, also where the account is the caller’s own', async () => {
      const variables = { extIdpId: GITHUB, accounts: ['account-0', 'account-1'] };
      const refused = await strict.ask<Lists>(OWNERS, variables, asUser());
      expect([refused.data, codesOf(refused)]).toEqual([null, [[['usersByIdentity'], 'FORBIDDEN']]]);
      expect(strict.emulator.calls).toEqual([]);
      const { data, errors } = await strict.ask<Lists>(OWNERS, variables, asReader());
      expect(errors).toEqual([]);
      expect(idsIn(data?.usersByIdentity)).toEqual([SUBJECT, 'a'.repeat(24)]);
    });

    test('is limited to 1000 accounts', async () => {
      const accounts = Array.from({ length: 1_001 }, (_, index) => String(index));
      const { status, errors } = await stack.ask<Lists>(OWNERS, { extIdpId: GITHUB, accounts });
      expect(status).toBe(400);
      expect(errors[0]?.extensions).toMatchObject({ validationErrorCode: 'MAX_REPRESENTATIONS' });
      expect(stack.emulator.calls).toEqual([]);
    });
  });
});
