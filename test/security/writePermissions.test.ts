import { type Issuer, startIssuer, SUBJECT } from '../support/issuer';
import { credentials, type Stack, startStack } from '../support/stack';

const OTHER = '60194296801dc7bc2a1b2736';
const UNKNOWN_USER = 'f'.repeat(24);
const SOURCE = '62f20932716fbcc10d966ee6';
const APP = '62f2093244fa5cb19f000001';

const SEED = {
  extIdps: [{ id: SOURCE, name: 'GitHub', type: 'github' }],
  applications: [{ id: APP, name: 'Shop' }],
  users: [{ id: SUBJECT }, { id: OTHER }],
};

const MUTATIONS = {
  link: `mutation ($userId: ID!) {
    write: linkIdentity(userId: $userId, extIdpId: "${SOURCE}", userIdInIdp: "octocat") { success }
  }`,
  sessions: 'mutation ($userId: ID!) { write: revokeSessions(userId: $userId) { success } }',
};

describe('what a caller may change', () => {
  let issuer: Issuer;
  let stack: Stack;

  beforeAll(async () => {
    issuer = await startIssuer();
    stack = await startStack({ issuer, emulator: { seed: SEED } });
  });
  afterAll(async () => {
    await stack.close();
    await issuer.close();
  });

  async function may(kind: keyof typeof MUTATIONS, claims: Record<string, unknown>, userId: string): Promise<boolean> {
    const { store } = stack.emulator;
    store.unlink({ userId: SUBJECT, extIdpId: SOURCE });
    store.unlink({ userId: OTHER, extIdpId: SOURCE });
    store.signIn(userId, APP);
    stack.emulator.clearCalls();
    const { data, errors } = await stack.ask(MUTATIONS[kind], { userId }, credentials(issuer.token(claims)));
    const isAllowed = data?.['write'] !== null;
    expect(errors.map(({ extensions }) => extensions)).toEqual(
      isAllowed ? [] : [{ code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' }],
    );
    if (!isAllowed) expect(stack.emulator.calls).toEqual([]);
    expect(store.linkExecutions.length + store.kickExecutions.length).toBe(isAllowed ? 1 : 0);
    return isAllowed;
  }

  async function powers(claims: Record<string, unknown>): Promise<string> {
    const yes = [
      (await may('link', claims, SUBJECT)) && 'links self',
      (await may('link', claims, OTHER)) && 'links others',
      (await may('sessions', claims, SUBJECT)) && 'signs out self',
      (await may('sessions', claims, OTHER)) && 'signs out others',
    ];
    return yes.filter((word) => word !== false).join(', ');
  }

  const LINKS = 'links self, links others';
  const SIGNS_OUT = 'signs out self, signs out others';

  test.each<[string, Record<string, unknown>, string]>([
    ['a user', {}, 'signs out self'],
    ['a user who reads and unlinks', { scope: 'identity:read identity:unlink' }, 'signs out self'],
    ['a user who links', { scope: 'identity:link' }, 'links others, signs out self'],
    ['a user who ends sessions', { scope: 'identity:sessions' }, SIGNS_OUT],
    ['a machine', { sub: undefined }, ''],
    ['a machine that unlinks', { sub: undefined, scope: 'identity:unlink identity:read' }, ''],
    ['a machine that links', { sub: undefined, scope: 'identity:link' }, LINKS],
    ['a machine that ends sessions', { sub: undefined, scope: 'identity:sessions' }, SIGNS_OUT],
    ['a scope in other letters', { sub: undefined, scope: 'Identity:Link IDENTITY:SESSIONS identity:*' }, ''],
    ['a user whose id is in other letters', { sub: SUBJECT.toUpperCase() }, ''],
  ])('is what the table says for links and sessions: %s', async (_who, claims, expected) => {
    expect(await powers(claims)).toBe(expected);
  });

  test.each(Object.entries(MUTATIONS))(
    'of %s is rejected with the same bytes whether the user exists or not',
    async (_kind, query) => {
      const answer = async (userId: string): Promise<string> => {
        const response = await fetch(`${stack.subgraph.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...credentials(issuer.token({})) },
          body: JSON.stringify({ query, variables: { userId } }),
        });
        return response.text();
      };
      expect(await answer(UNKNOWN_USER)).toBe(await answer(OTHER));
    },
  );
});
