import type { SeedIdentity, SeedUser } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Answer, credentials, representations, type Stack, startStack, UNLINK } from '../support/stack';

const id = (kind: string, number: number): string => kind + number.toString(16).padStart(23, '0');
const WECHAT = id('e', 1);
const GITHUB = id('e', 2);
/** A source that no application enables. */
const SAML = id('e', 3);
/** A source that GenAuth no longer lists. */
const DELETED = id('e', 4);
const APP = id('c', 1);

const READ = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on User { id identities { extIdpId type isLastWayToSignIn unlinkBlockedBy } }
  }
}`;

interface Shown {
  extIdpId: string | null;
  type: string;
  isLastWayToSignIn: boolean | null;
  unlinkBlockedBy: string | null;
}

const IDENTITIES: readonly (Omit<SeedIdentity, 'userIdInIdp'> & { extIdpId: string })[] = [
  { extIdpId: WECHAT, type: 'openid' },
  { extIdpId: WECHAT, type: 'unionid' },
  { extIdpId: GITHUB },
  { extIdpId: SAML },
  { extIdpId: DELETED, provider: 'google', originConnIds: [] },
];
const OTHER_WAYS: readonly Partial<SeedUser>[] = [
  {},
  { email: 'a@example.com' },
  { email: 'a@example.com', emailVerified: false },
  { phone: '1', phoneVerified: true },
  { username: 'a', hasPassword: true },
  { hasPassword: true },
];

/** Users with every combination of identities, each with another way to sign in. */
const USERS: readonly SeedUser[] = Array.from({ length: 2 ** IDENTITIES.length }, (_, bits) => {
  const userId = id('a', bits);
  const { email, phone, username, ...others } = OTHER_WAYS[bits % OTHER_WAYS.length] as SeedUser;
  return {
    id: userId,
    ...others,
    ...(email === undefined ? {} : { email: `${bits}@example.com` }),
    ...(phone === undefined ? {} : { phone: String(bits) }),
    ...(username === undefined ? {} : { username: `user${bits}` }),
    identities: IDENTITIES.filter((_each, index) => (bits >> index) % 2 === 1).map((identity) => ({
      ...identity,
      userIdInIdp: userId,
    })),
  };
});

const SEED = {
  extIdps: [
    { id: WECHAT, name: 'WeChat', type: 'wechat' },
    { id: GITHUB, name: 'GitHub', type: 'github' },
    { id: SAML, name: 'SAML', type: 'saml' },
  ],
  applications: [
    {
      id: APP,
      name: 'Shop',
      basicLoginMethods: ['EMAIL_CODE' as const, 'USERNAME_PASSWORD' as const],
      connections: ['my-wechat', 'my-github'],
      disabledConnections: ['my-saml'],
    },
  ],
  users: USERS,
};

describe('the field unlinkBlockedBy, and the mutation that it predicts,', () => {
  let issuer: Issuer;
  let stack: Stack;

  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterEach(() => stack.close());
  afterAll(() => issuer.close());

  async function start(env: Record<string, string> = {}, users: readonly SeedUser[] = USERS): Promise<void> {
    const seed = { ...SEED, users: [...users] };
    stack = await startStack({ issuer, emulator: { seed, qps: Infinity }, env: { GENAUTH_MAX_QPS: '100000', ...env } });
  }
  const as = (sub: string, claims: Record<string, unknown> = {}) => credentials(issuer.token({ sub, ...claims }));
  const show = async (userId: string, headers = as(userId)): Promise<Shown[]> => {
    const { data, errors } = await stack.ask<{ _entities: { identities: Shown[] }[] }>(
      READ,
      representations([userId]),
      headers,
    );
    expect(errors).toEqual([]);
    return data?._entities[0]?.identities ?? [];
  };
  const unlink = (userId: string, variables: Record<string, unknown>, headers = as(userId)) =>
    stack.ask<{ unlinkIdentity: { success: boolean } | null }>(UNLINK, { userId, ...variables }, headers);
  const codeOf = ({ errors }: Answer<unknown>): unknown => errors[0]?.extensions['code'] ?? null;
  const sent = () => stack.emulator.calls.filter(({ route }) => route === 'POST /api/v3/unlink-identity');

  test.each([
    ['all sources of the pool count', {}],
    ['only an application counts', { GENAUTH_APP_IDS: APP }],
  ])(
    'say LAST_IDENTITY for the same identities, where %s',
    async (_title, env: Record<string, string>) => {
      await start(env);
      const verdicts = { blocked: 0, free: 0 };
      for (const { id: userId = '', identities = [] } of USERS) {
        const shown = await show(userId);
        expect(shown).toHaveLength(identities.length);
        for (const extIdpId of new Set(identities.map((identity) => identity.extIdpId))) {
          const own = shown.filter((identity) => identity.extIdpId === extIdpId);
          const code = codeOf(await unlink(userId, { extIdpId }));
          expect([code, ...own.map(({ unlinkBlockedBy }) => unlinkBlockedBy)]).toEqual([code, ...own.map(() => code)]);
          expect(own.map(({ isLastWayToSignIn }) => isLastWayToSignIn)).toEqual(own.map(() => code !== null));
          verdicts[code === null ? 'free' : 'blocked']++;
          for (const identity of identities) stack.emulator.store.link(userId, identity);
        }
      }
      expect(verdicts.blocked).toBeGreaterThan(3);
      expect(verdicts.free).toBeGreaterThan(20);
    },
    120_000,
  );

  test('cost no call for each user, and are the same in both executors', async () => {
    const bodies = [];
    const users = USERS.filter(({ identities = [] }) => identities.length > 0);
    const all = representations([...users, ...users.slice(0, 19)].map(({ id: userId = '' }) => userId));
    for (const EXECUTOR of ['fast', 'graphql-js']) {
      await start({ EXECUTOR });
      for (let times = 0; times < 3; times++) {
        const { data, errors } = await stack.ask(READ, all, as('operator', { scope: 'identity:read' }));
        bodies.push(JSON.stringify({ data, errors }));
      }
      const calls = stack.emulator.calls.map(({ route }) => route);
      expect(calls.filter((route) => route === 'GET /api/v3/get-user-batch')).toHaveLength(3);
      expect(calls.filter((route) => route === 'GET /api/v3/list-ext-idp')).toHaveLength(1);
      expect(calls).toHaveLength(4);
      if (EXECUTOR === 'fast') await stack.close();
    }
    expect(new Set(bodies).size).toBe(1);
    expect(bodies[0]).toContain('"unlinkBlockedBy":"FORBIDDEN"');
  });

  const ONE: SeedUser = { id: id('b', 1), identities: [{ extIdpId: WECHAT, userIdInIdp: 'one' }] };
  const TWO: SeedUser = {
    id: id('b', 2),
    identities: [
      { extIdpId: WECHAT, type: 'openid', userIdInIdp: 'two' },
      { extIdpId: WECHAT, type: 'unionid', userIdInIdp: 'two' },
    ],
  };

  test('protect the last account and not the last row: a type that the user holds may be unlinked, any other type means all', async () => {
    await start({}, [TWO]);
    const userId = TWO.id ?? '';
    expect((await show(userId)).map(({ unlinkBlockedBy }) => unlinkBlockedBy)).toEqual([
      'LAST_IDENTITY',
      'LAST_IDENTITY',
    ]);
    for (const type of [null, 'OPENID', 'generic']) {
      expect(codeOf(await unlink(userId, { extIdpId: WECHAT, type }))).toBe('LAST_IDENTITY');
    }
    expect(sent()).toEqual([]);
    expect((await unlink(userId, { extIdpId: WECHAT, type: 'openid' })).data?.unlinkIdentity?.success).toBe(true);
    expect(codeOf(await unlink(userId, { extIdpId: WECHAT, type: 'unionid' }))).toBe('LAST_IDENTITY');
  });

  test.each(['Suspended', 'Resigned', 'Archived', 'Deactivated'] as const)(
    'say FORBIDDEN to a user with the status %s, and not to an administrator',
    async (status) => {
      const userId = TWO.id ?? '';
      await start({ LAST_IDENTITY_GUARD: 'off' }, [{ ...TWO, status }]);
      const blocks = (shown: Shown[]) => shown.map(({ unlinkBlockedBy }) => unlinkBlockedBy);
      expect(blocks(await show(userId))).toEqual(['FORBIDDEN', 'FORBIDDEN']);
      const refused = await unlink(userId, { extIdpId: WECHAT });
      expect(refused.errors.map(({ extensions }) => extensions)).toEqual([
        { code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' },
      ]);
      expect(sent()).toEqual([]);
      const operator = as('operator', { scope: 'identity:read identity:unlink' });
      expect(blocks(await show(userId, operator))).toEqual([null, null]);
      expect((await unlink(userId, { extIdpId: WECHAT }, operator)).data?.unlinkIdentity?.success).toBe(true);
    },
  );

  test('say FORBIDDEN and SIGN_IN_TOO_OLD if the sign-in was too long ago, unless a scope allows the unlink', async () => {
    await start({ SELF_UNLINK_MAX_AGE_MS: '60000' }, [{ ...TWO, hasPassword: true }]);
    const userId = TWO.id ?? '';
    const now = Math.floor(Date.now() / 1_000);
    for (const claims of [{ auth_time: now - 300 }, { iat: now - 300 }]) {
      const old = as(userId, claims);
      const { errors } = await unlink(userId, { extIdpId: WECHAT, type: 'openid' }, old);
      expect(errors.map(({ extensions }) => extensions)).toEqual([
        { code: 'SIGN_IN_TOO_OLD', outcome: 'NOT_EXECUTED' },
      ]);
      expect((await show(userId, old)).map(({ unlinkBlockedBy }) => unlinkBlockedBy)).toEqual([
        'FORBIDDEN',
        'FORBIDDEN',
      ]);
    }
    expect(sent()).toEqual([]);
    const scoped = as(userId, { auth_time: now - 300, scope: 'identity:unlink' });
    expect(codeOf(await unlink(userId, { extIdpId: WECHAT, type: 'openid' }, scoped))).toBeNull();
    expect(
      codeOf(await unlink(userId, { extIdpId: WECHAT, type: 'unionid' }, as(userId, { auth_time: now - 5 }))),
    ).toBeNull();
  });

  test('say null and refuse while the sources cannot be read', async () => {
    await start({}, [ONE]);
    stack.emulator.faults.set('list-ext-idp', 'http-503');
    const userId = ONE.id ?? '';
    expect(await show(userId)).toMatchObject([{ isLastWayToSignIn: null, unlinkBlockedBy: null }]);
    const { errors } = await unlink(userId, { extIdpId: WECHAT });
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', retryAfterMs: expect.any(Number) },
    ]);
    expect(sent()).toEqual([]);
  });

  test.each<[string, Partial<SeedUser>]>([
    ['missing', { identitiesAs: 'absent' }],
    ['no list', { rawMembers: { identities: 7 } }],
  ])('refuse where the identities are %s', async (_title, form) => {
    await start({}, [{ ...ONE, hasPassword: true, ...form }]);
    const { errors } = await unlink(ONE.id ?? '', { extIdpId: WECHAT });
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'UPSTREAM_BAD_RESPONSE', outcome: 'NOT_EXECUTED' },
    ]);
    expect(sent()).toEqual([]);
  });

  test('say NOT_NAMEABLE for a row that names no source', async () => {
    const rawIdentities = [
      { identityId: id('d', 1), provider: 'x', userIdInIdp: 'x' },
      { identityId: id('d', 2), extIdpId: 'not an id', provider: 'x', userIdInIdp: 'x' },
    ];
    await start({}, [{ id: id('b', 3), hasPassword: true, rawIdentities }]);
    const shown = await show(id('b', 3));
    expect(shown.map(({ unlinkBlockedBy }) => unlinkBlockedBy)).toEqual(['NOT_NAMEABLE', 'NOT_NAMEABLE']);
    expect(codeOf(await unlink(id('b', 3), { extIdpId: 'not an id' }))).toBe('BAD_USER_INPUT');
  });

  test('refuse an id that is not the id of a source, and send nothing', async () => {
    await start({ LAST_IDENTITY_GUARD: 'off' }, [TWO]);
    const userId = TWO.id ?? '';
    const [row] = stack.emulator.store.identitiesOf(userId);
    for (const extIdpId of [row?.identityId, row?.originConnIds?.[0]]) {
      const { errors } = await unlink(userId, { extIdpId });
      expect(errors.map(({ extensions }) => extensions)).toEqual([
        { code: 'BAD_USER_INPUT', validationErrorCode: 'NOT_AN_IDENTITY_SOURCE', outcome: 'NOT_EXECUTED' },
      ]);
    }
    expect(sent()).toEqual([]);
    // An id that is nothing of this user may be a source without identities.
    expect((await unlink(userId, { extIdpId: id('f', 1) })).data?.unlinkIdentity?.success).toBe(true);
  });
});
