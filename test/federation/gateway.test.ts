import { createPool } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { describeWith } from '../support/optional';
import {
  type Answer,
  ask,
  type AnsweredError,
  type Stack,
  startStack,
  type UnlinkAnswer,
  userIdsOf,
} from '../support/stack';
import { type Opened, startUsers } from '../support/supergraph';
import { GATEWAYS } from './gateways';

interface UsersAnswer {
  users: { id: string; name: string; identities: { provider: string }[] | null }[];
}

const USERS = 'query ($first: Int!) { users(first: $first) { id name identities { provider } } }';
const USER = 'query ($id: ID!) { user(id: $id) { id name identities { extIdpId } } }';
const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success user { id name identities { extIdpId } } }
}`;

for (const gateway of GATEWAYS) {
  describeWith(gateway.isInstalled, gateway.isAvailable)(`behind ${gateway.name}`, () => {
    let issuer: Issuer;
    let stack: Stack;
    let users: Opened;
    let router: Opened;
    let ids: string[];
    /** Users that no test has unlinked yet. */
    let targets: { userId: string; extIdpId: string }[];

    beforeAll(async () => {
      issuer = await startIssuer();
      stack = await startStack({
        issuer,
        emulator: { seed: createPool({ users: 120, identitiesPerUser: 2 }), qps: Infinity },
        env: { GENAUTH_MAX_QPS: '100000' },
      });
      ids = userIdsOf(stack.emulator);
      targets = stack.emulator.store.users().map(({ profile, identities }) => ({
        userId: profile.userId,
        extIdpId: identities[0]?.extIdpId ?? '',
      }));
      users = await startUsers(ids);
      router = await gateway.start({ users: users.url, identities: `${stack.subgraph.url}/graphql` });
    });
    afterAll(async () => {
      await router.close();
      await users.close();
      await stack.close();
      await issuer.close();
    });
    beforeEach(() => stack.emulator.clearCalls());
    afterEach(() => stack.emulator.faults.clear());

    /** Sends a request as a client with a token. Default: a token with the scopes to read and unlink every user. */
    function send<Data>(
      query: string,
      variables: Record<string, unknown>,
      claims: Record<string, unknown> = { scope: 'identity:read identity:unlink' },
    ): Promise<Answer<Data>> {
      return ask<Data>(router.url, query, variables, { authorization: `Bearer ${issuer.token(claims)}` });
    }

    function nextTarget(): { userId: string; extIdpId: string } {
      const target = targets.pop();
      if (target === undefined) throw new Error('every user has been unlinked');
      return target;
    }

    /** The extensions on which clients may rely, of each error. Gateways add some of their own. */
    function outcomesOf(errors: readonly AnsweredError[]): unknown[] {
      return errors.map(({ extensions: { code, outcome, retryAfterMs } }) => ({ code, outcome, retryAfterMs }));
    }

    test('the identities of 120 users of another subgraph cost 3 calls to GenAuth', async () => {
      const { data, errors } = await send<UsersAnswer>(USERS, { first: 120 });
      expect(errors).toEqual([]);
      expect(data?.users.map(({ id }) => id)).toEqual(ids);
      expect(data?.users.every(({ name, identities }) => name.startsWith('user ') && identities?.length === 2)).toBe(
        true,
      );
      expect(stack.emulator.calls).toHaveLength(3);
    });

    test('the same users on two paths, with aliases, get all fields, for one call per request of the gateway at most', async () => {
      const query = `query ($first: Int!) {
        a: users(first: $first) { identities { provider } }
        b: users(first: $first) { id linked: identities { kind: type } }
      }`;
      const { data, errors } = await send(query, { first: 2 });
      expect(errors).toEqual([]);
      const [provider, kind] = [expect.any(String), 'generic'];
      expect(data).toEqual({
        a: [1, 2].map(() => ({ identities: [{ provider }, { provider }] })),
        b: ids.slice(0, 2).map((id) => ({ id, linked: [{ kind }, { kind }] })),
      });
      expect(stack.emulator.calls.length).toBeLessThanOrEqual(2);
    });

    test('a user that GenAuth does not know has null identities, without an error', async () => {
      const id = 'f'.repeat(24);
      const { data, errors } = await send(USER, { id });
      expect(errors).toEqual([]);
      expect(data).toEqual({ user: { id, name: `user ${id}`, identities: null } });
    });

    test('an outage of GenAuth makes identities null with an error, and keeps the users', async () => {
      stack.emulator.faults.set('get-user-batch', 'http-502');
      const { status, data, errors } = await send<UsersAnswer>(USERS, { first: 2 });
      expect(status).toBe(200);
      expect(data?.users).toEqual(ids.slice(0, 2).map((id) => ({ id, name: `user ${id}`, identities: null })));
      expect(errors.map(({ extensions }) => extensions['code'])).toEqual([
        'UPSTREAM_UNAVAILABLE',
        'UPSTREAM_UNAVAILABLE',
      ]);
    });

    test('the response to an unlink shows its effect, together with fields of the other subgraph', async () => {
      const target = nextTarget();
      const { data, errors } = await send<UnlinkAnswer>(UNLINK, target);
      expect(errors).toEqual([]);
      const left = stack.emulator.store.identitiesOf(target.userId).map(({ extIdpId }) => ({ extIdpId }));
      expect(left).toHaveLength(1);
      expect(data?.unlinkIdentity).toEqual({
        success: true,
        user: { id: target.userId, name: `user ${target.userId}`, identities: left },
      });
      expect(stack.emulator.store.executions).toHaveLength(1);
    });

    test('the client of an unlink that was not executed sees the code, the outcome and when to try again', async () => {
      stack.emulator.faults.set('unlink-identity', 'http-429:0');
      const limited = await send<UnlinkAnswer>(UNLINK, nextTarget());
      const retryAfterMs = limited.errors[0]?.extensions['retryAfterMs'];
      expect(outcomesOf(limited.errors)).toEqual([
        { code: 'UPSTREAM_RATE_LIMITED', outcome: 'NOT_EXECUTED', retryAfterMs: expect.any(Number) },
      ]);
      await new Promise((resolve) => setTimeout(resolve, Number(retryAfterMs)));
      const invalid = await send<UnlinkAnswer>(UNLINK, { userId: 'x', extIdpId: 'y' });
      expect(outcomesOf(invalid.errors)).toEqual([{ code: 'BAD_USER_INPUT', outcome: 'NOT_EXECUTED' }]);
      const forbidden = await send<UnlinkAnswer>(UNLINK, nextTarget(), { scope: 'openid' });
      expect(outcomesOf(forbidden.errors)).toEqual([{ code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' }]);
      expect([limited, invalid, forbidden].map(({ data }) => data?.unlinkIdentity)).toEqual([null, null, null]);
      expect(stack.emulator.store.executions).toEqual([]);
    });

    test('an unlink whose response is lost succeeds if a read shows its effect, and is UNKNOWN otherwise', async () => {
      stack.emulator.faults.set('unlink-identity', 'reset-after-execute');
      const settled = await send<UnlinkAnswer>(UNLINK, nextTarget());
      expect(settled.errors).toEqual([]);
      expect(settled.data?.unlinkIdentity).toMatchObject({ success: true });
      stack.emulator.faults.set('unlink-identity', 'reset-before-execute');
      const unknown = await send<UnlinkAnswer>(UNLINK, nextTarget());
      expect(unknown.data?.unlinkIdentity).toBeNull();
      expect(outcomesOf(unknown.errors)).toEqual([{ code: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN' }]);
      expect(stack.emulator.store.executions).toHaveLength(1);
    });

    test('a client without a token gets the fields of the other subgraph, and an error that shows no address', async () => {
      const { status, data, errors } = await ask<UsersAnswer>(router.url, USERS, { first: 1 });
      expect(status).toBe(200);
      expect(data?.users).toEqual([{ id: ids[0], name: `user ${ids[0]}`, identities: null }]);
      expect(errors.length).toBeGreaterThan(0);
      expect(JSON.stringify(errors)).not.toContain(new URL(stack.subgraph.url).host);
      expect(stack.emulator.calls).toEqual([]);
    });

    test('two callers who send the same query at the same time never share a response', async () => {
      stack.emulator.faults.set('get-user-batch', 'latency:50');
      const [own = '', other = ''] = ids;
      const send4 = await Promise.all(
        [own, other, own, other].map(async (sub) => {
          const { data, errors } = await send<{ user: { identities: object[] | null } }>(USER, { id: own }, { sub });
          return {
            sub,
            identities: data?.user.identities?.length ?? null,
            codes: errors.map(({ extensions }) => extensions['code']),
          };
        }),
      );
      expect(send4).toEqual(
        [own, other, own, other].map((sub) =>
          sub === own ? { sub, identities: 2, codes: [] } : { sub, identities: null, codes: ['FORBIDDEN'] },
        ),
      );
    });
  });
}
