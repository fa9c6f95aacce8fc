import { createPool } from '../../src/emulator';
import { ask, type Stack, startStack, type UnlinkAnswer, userIdsOf } from '../support/stack';
import { type Opened, startRouter, startUsers } from '../support/supergraph';

interface UsersAnswer {
  users: { id: string; name: string; identities: { provider: string }[] | null }[];
}

const USERS = 'query ($first: Int!) { users(first: $first) { id name identities { provider } } }';

describe('behind a federation router', () => {
  let stack: Stack;
  let users: Opened;
  let router: Opened;
  let ids: string[];

  beforeAll(async () => {
    stack = await startStack({ emulator: { seed: createPool({ users: 120, identitiesPerUser: 2 }) } });
    ids = userIdsOf(stack.emulator);
    users = await startUsers(ids);
    router = await startRouter(users.url, `${stack.subgraph.url}/graphql`);
  });
  afterAll(async () => {
    await router.close();
    await users.close();
    await stack.close();
  });
  beforeEach(() => stack.emulator.clearCalls());
  afterEach(() => stack.emulator.faults.clear());

  test('the identities of 120 users of another subgraph cost 3 calls to GenAuth', async () => {
    const { data, errors } = await ask<UsersAnswer>(router.url, USERS, { first: 120 });
    expect(errors).toEqual([]);
    expect(data?.users.map(({ id }) => id)).toEqual(ids);
    expect(data?.users.every(({ name, identities }) => name.startsWith('user ') && identities?.length === 2)).toBe(
      true,
    );
    expect(stack.emulator.calls).toHaveLength(3);
  });

  test('an outage of GenAuth makes identities null with an error, and keeps the users', async () => {
    stack.emulator.faults.set('get-user-batch', 'http-502');
    const { status, data, errors } = await ask<UsersAnswer>(router.url, USERS, { first: 2 });
    expect(status).toBe(200);
    expect(data?.users).toEqual(ids.slice(0, 2).map((id) => ({ id, name: `user ${id}`, identities: null })));
    expect(errors.map(({ extensions }) => extensions['code'])).toEqual([
      'UPSTREAM_UNAVAILABLE',
      'UPSTREAM_UNAVAILABLE',
    ]);
  });

  test('a user that GenAuth does not know has null identities, without an error', async () => {
    const query = 'query ($id: ID!) { user(id: $id) { id identities { provider } } }';
    const { data, errors } = await ask(router.url, query, { id: 'f'.repeat(24) });
    expect(errors).toEqual([]);
    expect(data).toEqual({ user: { id: 'f'.repeat(24), identities: null } });
  });

  test('the response to an unlink shows its effect, together with fields of the other subgraph', async () => {
    const [userId = ''] = ids;
    const [row] = stack.emulator.store.identitiesOf(userId);
    const mutation = `mutation ($userId: ID!, $extIdpId: ID!) {
      unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success user { id name identities { extIdpId type } } }
    }`;
    const { data, errors } = await ask<UnlinkAnswer>(router.url, mutation, { userId, extIdpId: row?.extIdpId });
    expect(errors).toEqual([]);
    const left = stack.emulator.store.identitiesOf(userId).map(({ extIdpId, type }) => ({ extIdpId, type }));
    expect(left.some(({ extIdpId }) => extIdpId === row?.extIdpId)).toBe(false);
    expect(data?.unlinkIdentity).toEqual({
      success: true,
      user: { id: userId, name: `user ${userId}`, identities: left },
    });
  });
});
