import type { SeedUser } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import {
  type Answer,
  credentials,
  ROUTER_SECRET,
  type Stack,
  startStack,
  UNLINK,
  type UnlinkAnswer,
} from '../support/stack';

const SOURCE = '62f20932716fbcc10d966ee6';
const SECOND_SOURCE = '62f20932716fbcc10d966ee7';
const UNLINKER = { sub: undefined, scope: 'identity:unlink' };

/** Every user has one identity under SOURCE. The users differ in their other ways to sign in. */
const USERS: Readonly<Record<string, Omit<SeedUser, 'identities'> & { second?: boolean; unverified?: boolean }>> = {
  nothing: { id: 'a'.repeat(23) + '1' },
  'another source': { id: 'a'.repeat(23) + '2', second: true },
  'a password': { id: 'a'.repeat(23) + '3', username: 'ada', hasPassword: true },
  'a verified e-mail address': { id: 'a'.repeat(23) + '4', email: 'ada@example.com' },
  'an e-mail address that is not verified': { id: 'a'.repeat(23) + '5', email: 'bob@example.com', unverified: true },
  'a verified phone number': { id: 'a'.repeat(23) + '6', phone: '13800000001' },
  'a phone number that is not verified': { id: 'a'.repeat(23) + '7', phone: '13800000002', unverified: true },
  'a name alone': { id: 'a'.repeat(23) + '8', username: 'carol' },
};

const SEED = {
  extIdps: [
    { id: SOURCE, name: 'GitHub', type: 'github' },
    { id: SECOND_SOURCE, name: 'Google', type: 'google' },
  ],
  users: Object.values(USERS).map(({ second = false, unverified: _unverified, ...user }) => ({
    ...user,
    identities: [SOURCE, ...(second ? [SECOND_SOURCE] : [])].map((extIdpId) => ({
      extIdpId,
      userIdInIdp: `${extIdpId}-${user.id}`,
    })),
  })),
};

describe('the guard of the last way to sign in', () => {
  let issuer: Issuer;
  let stack: Stack | undefined;

  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterEach(async () => {
    await stack?.close();
    stack = undefined;
  });
  afterAll(() => issuer.close());

  async function start(LAST_IDENTITY_GUARD: string, env: Record<string, string> = {}): Promise<Stack> {
    stack = await startStack({ issuer, emulator: { seed: SEED }, env: { LAST_IDENTITY_GUARD, ...env } });
    for (const { id = '', unverified } of Object.values(USERS)) {
      const profile = stack.emulator.store.user(id)?.profile ?? {};
      if (unverified === true) Object.assign(profile, { emailVerified: false, phoneVerified: false });
    }
    return stack;
  }

  const idOf = (who: string) => USERS[who]?.id ?? '';
  const unlink = (guarded: Stack, who: string, claims: Record<string, unknown>): Promise<Answer<UnlinkAnswer>> =>
    guarded.ask(
      UNLINK,
      { userId: idOf(who), extIdpId: SOURCE },
      credentials(issuer.token({ sub: idOf(who), ...claims })),
    );
  const sent = ({ emulator }: Stack) => emulator.calls.filter(({ route }) => route === 'POST /api/v3/unlink-identity');

  function verdictOf({ data, errors }: Answer<UnlinkAnswer>): unknown {
    return data?.unlinkIdentity?.success ?? errors.map(({ extensions }) => extensions);
  }

  const REFUSED = [{ code: 'LAST_IDENTITY', outcome: 'NOT_EXECUTED' }];

  test.each([
    ['nothing', REFUSED],
    ['another source', true],
    ['a password', true],
    ['a verified e-mail address', true],
    ['an e-mail address that is not verified', REFUSED],
    ['a verified phone number', true],
    ['a phone number that is not verified', REFUSED],
    ['a name alone', REFUSED],
  ])('counts the other ways to sign in: the user has %s', async (who, verdict) => {
    const guarded = await start('self');
    expect(verdictOf(await unlink(guarded, who, {}))).toEqual(verdict);
    expect(sent(guarded)).toHaveLength(verdict === true ? 1 : 0);
    expect(guarded.emulator.store.identitiesOf(idOf(who)).some(({ extIdpId }) => extIdpId === SOURCE)).toBe(
      verdict !== true,
    );
  });

  test.each([
    ['off', true, true],
    ['self', REFUSED, true],
    ['all', REFUSED, REFUSED],
  ])(
    'applies to unlinks by the user, by others, or to none: LAST_IDENTITY_GUARD=%s',
    async (guard, toSelf, toOthers) => {
      const guarded = await start(guard);
      expect(verdictOf(await unlink(guarded, 'nothing', {}))).toEqual(toSelf);
      expect(verdictOf(await unlink(guarded, 'a name alone', UNLINKER))).toEqual(toOthers);
    },
  );

  test.each([
    ['self', true],
    ['all', REFUSED],
  ])(
    'takes every caller for another user where the router authorizes callers: LAST_IDENTITY_GUARD=%s',
    async (guard, verdict) => {
      const guarded = await start(guard, { AUTH_MODE: 'router' });
      const variables = { userId: idOf('nothing'), extIdpId: SOURCE };
      const answer = await guarded.ask<UnlinkAnswer>(UNLINK, variables, { 'router-authorization': ROUTER_SECRET });
      expect(verdictOf(answer)).toEqual(verdict);
    },
  );

  test.each([
    ['get-user-batch', 'http-503', 'UPSTREAM_UNAVAILABLE'],
    ['get-user-batch', 'not-json', 'UPSTREAM_BAD_RESPONSE'],
    ['get-user-batch', 'user-mismatch', 'UPSTREAM_BAD_RESPONSE'],
    ['get-user-batch', 'no-data', 'UPSTREAM_BAD_RESPONSE'],
    ['list-ext-idp', 'http-503', 'UPSTREAM_UNAVAILABLE'],
    ['list-ext-idp', 'not-json', 'UPSTREAM_BAD_RESPONSE'],
    ['list-ext-idp', 'no-data', 'UPSTREAM_BAD_RESPONSE'],
  ] as const)('refuses if it cannot read what it has to check: %s with %s', async (route, fault, code) => {
    const guarded = await start('self');
    guarded.emulator.faults.set(route, fault);
    expect(verdictOf(await unlink(guarded, 'a password', {}))).toEqual([
      { code, outcome: 'NOT_EXECUTED', ...(code === 'UPSTREAM_UNAVAILABLE' ? { retryAfterMs: 1_000 } : {}) },
    ]);
    expect(sent(guarded)).toEqual([]);
  });

  test('leaves one way to sign in when all of them are unlinked concurrently', async () => {
    const guarded = await start('self');
    const userId = idOf('another source');
    const headers = credentials(issuer.token({ sub: userId }));
    const answers = await Promise.all(
      [SOURCE, SECOND_SOURCE].map((extIdpId) => guarded.ask<UnlinkAnswer>(UNLINK, { userId, extIdpId }, headers)),
    );
    expect(answers.map(verdictOf)).toEqual(expect.arrayContaining([true, REFUSED]));
    expect(guarded.emulator.store.identitiesOf(userId)).toHaveLength(1);
  });
});
