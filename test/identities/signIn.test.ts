import fc from 'fast-check';
import type { Account, SignInColumns, SignInUser } from '../../src/genauth';
import { canSignInAfter, lastWays, type OfferedMethods } from '../../src/identities/signIn';

const NOTHING: SignInColumns = {
  status: 'Activated',
  username: null,
  email: null,
  emailVerified: false,
  phone: null,
  phoneVerified: false,
  passwordLastSetAt: null,
};
const OPENID: Account = { id: '1', extIdpId: 'wechat', type: 'openid', userIdInIdp: null, originConnIds: ['c-wechat'] };
const UNIONID: Account = { ...OPENID, type: 'unionid' };
const GITHUB: Account = {
  id: '2',
  extIdpId: 'github',
  type: 'generic',
  userIdInIdp: null,
  originConnIds: ['c-github'],
};
const ALL: OfferedMethods = { sources: new Set(['wechat', 'github']), applications: null };

function offeredBy(enabled: string[], loginMethods: string[] = []): OfferedMethods {
  return { ...ALL, applications: { enabled: new Set(enabled), bareIds: [], loginMethods: new Set(loginMethods) } };
}

const withIdentities = (...accounts: Account[]): SignInUser => ({ columns: NOTHING, accounts });
const withColumns = (columns: Partial<SignInColumns>, ...accounts: Account[]): SignInUser => ({
  columns: { ...NOTHING, ...columns },
  accounts,
});

describe('after an unlink, a user can still sign in', () => {
  test.each<[string, SignInUser, { extIdpId: string; type?: string }, OfferedMethods]>([
    ['by an identity of another source', withIdentities(OPENID, GITHUB), { extIdpId: 'wechat' }, ALL],
    [
      'by another identity of the source, if a held type is given',
      withIdentities(OPENID, UNIONID),
      { extIdpId: 'wechat', type: 'openid' },
      ALL,
    ],
    ['by a password', withColumns({ passwordLastSetAt: '2026-01-01' }, OPENID), { extIdpId: 'wechat' }, ALL],
    [
      'by a verified e-mail address',
      withColumns({ email: 'a@example.com', emailVerified: true }, OPENID),
      { extIdpId: 'wechat' },
      ALL,
    ],
    [
      'by a verified phone number',
      withColumns({ phone: '1', phoneVerified: true }, OPENID),
      { extIdpId: 'wechat' },
      ALL,
    ],
    [
      'by an identity whose source an application enables',
      withIdentities(OPENID, GITHUB),
      { extIdpId: 'wechat' },
      offeredBy(['github']),
    ],
    [
      'by an identity whose connection an application enables',
      withIdentities(OPENID, GITHUB),
      { extIdpId: 'wechat' },
      offeredBy(['c-github']),
    ],
    [
      'by a password that an application accepts with the user name',
      withColumns({ username: 'a', passwordLastSetAt: '2026-01-01' }),
      { extIdpId: 'wechat' },
      offeredBy([], ['USERNAME_PASSWORD']),
    ],
    [
      'by a verified e-mail address that an application sends codes to',
      withColumns({ email: 'a@example.com', emailVerified: true }),
      { extIdpId: 'wechat' },
      offeredBy([], ['EMAIL_CODE']),
    ],
  ])('%s', (_way, user, target, offered) => {
    expect(canSignInAfter(user, target, offered)).toBe(true);
  });
});

describe('after an unlink, a user can no longer sign in', () => {
  test.each<[string, SignInUser, { extIdpId: string; type?: string }, OfferedMethods]>([
    ['if it removes the only identity', withIdentities(OPENID), { extIdpId: 'wechat' }, ALL],
    ['if it removes every identity of the only source', withIdentities(OPENID, UNIONID), { extIdpId: 'wechat' }, ALL],
    [
      'if the given type is not one that the user holds there',
      withIdentities(OPENID, UNIONID),
      { extIdpId: 'wechat', type: 'OpenID' },
      ALL,
    ],
    [
      'if GenAuth no longer lists the source of the other identity',
      withIdentities(OPENID, { ...GITHUB, extIdpId: 'deleted' }),
      { extIdpId: 'wechat' },
      ALL,
    ],
    [
      'if no application enables the source of the other identity',
      withIdentities(OPENID, GITHUB),
      { extIdpId: 'wechat' },
      offeredBy(['wechat']),
    ],
    [
      'if the other identity names no source',
      withIdentities(OPENID, { ...GITHUB, extIdpId: null }),
      { extIdpId: 'wechat' },
      ALL,
    ],
    [
      'if the e-mail address is not verified',
      withColumns({ email: 'a@example.com' }, OPENID),
      { extIdpId: 'wechat' },
      ALL,
    ],
    [
      'if no application accepts passwords',
      withColumns({ username: 'a', passwordLastSetAt: '2026-01-01' }, OPENID),
      { extIdpId: 'wechat' },
      offeredBy(['wechat'], ['EMAIL_CODE']),
    ],
    [
      'if passwords are accepted only with an e-mail address, and the user has none',
      withColumns({ username: 'a', passwordLastSetAt: '2026-01-01' }, OPENID),
      { extIdpId: 'wechat' },
      offeredBy(['wechat'], ['EMAIL_PASSWORD']),
    ],
  ])('%s', (_reason, user, target, offered) => {
    expect(canSignInAfter(user, target, offered)).toBe(false);
  });
});

const ACCOUNTS = fc.array(
  fc.record<Account>({
    id: fc.constant(null),
    userIdInIdp: fc.constant(null),
    extIdpId: fc.constantFrom('wechat', 'github', 'deleted', null),
    type: fc.constantFrom('openid', 'unionid', 'generic'),
    originConnIds: fc.constantFrom([], ['c-github']),
  }),
  { maxLength: 4 },
);
const WAYS = fc.constantFrom(ALL, offeredBy(['wechat']), offeredBy(['c-github']));

test('a source is the last way to sign in exactly if no unlink of all its identities leaves another way', () => {
  const found = { true: 0, false: 0 };
  fc.assert(
    fc.property(ACCOUNTS, WAYS, fc.boolean(), (accounts, ways, emailVerified) => {
      const user = withColumns(
        { email: 'a@example.com', emailVerified: emailVerified && accounts.length > 2 },
        ...accounts,
      );
      for (const extIdpId of ['wechat', 'github', 'deleted', 'another']) {
        const isLast = lastWays(user, ways).has(extIdpId);
        expect(isLast).toBe(!canSignInAfter(user, { extIdpId }, ways));
        found[`${isLast}`] += 1;
      }
    }),
  );
  expect(Math.min(found.true, found.false)).toBeGreaterThan(20);
});

test('an unlink without a type never leaves more ways to sign in than one with a type', () => {
  fc.assert(
    fc.property(ACCOUNTS, fc.constantFrom('openid', 'OpenID'), WAYS, (identities, type, ways) => {
      const user = withIdentities(...identities);
      const all = canSignInAfter(user, { extIdpId: 'wechat' }, ways);
      expect(!all || canSignInAfter(user, { extIdpId: 'wechat', type }, ways)).toBe(true);
    }),
  );
});
