import fc from 'fast-check';
import type { Account, SignInUser } from '../../src/genauth';
import { canSignInAfter, type OfferedMethods } from '../../src/identities/signIn';

const NOTHING: SignInUser = {
  status: 'Activated',
  username: null,
  email: null,
  emailVerified: false,
  phone: null,
  phoneVerified: false,
  passwordLastSetAt: null,
  accounts: [],
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

const withIdentities = (...accounts: Account[]): SignInUser => ({ ...NOTHING, accounts });

describe('after an unlink, a user can still sign in', () => {
  test.each<[string, SignInUser, { extIdpId: string; type?: string }, OfferedMethods]>([
    ['by an identity of another source', withIdentities(OPENID, GITHUB), { extIdpId: 'wechat' }, ALL],
    [
      'by another identity of the source, if a held type is given',
      withIdentities(OPENID, UNIONID),
      { extIdpId: 'wechat', type: 'openid' },
      ALL,
    ],
    ['by a password', { ...withIdentities(OPENID), passwordLastSetAt: '2026-01-01' }, { extIdpId: 'wechat' }, ALL],
    [
      'by a verified e-mail address',
      { ...withIdentities(OPENID), email: 'a@example.com', emailVerified: true },
      { extIdpId: 'wechat' },
      ALL,
    ],
    [
      'by a verified phone number',
      { ...withIdentities(OPENID), phone: '1', phoneVerified: true },
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
      { ...NOTHING, username: 'a', passwordLastSetAt: '2026-01-01' },
      { extIdpId: 'wechat' },
      offeredBy([], ['USERNAME_PASSWORD']),
    ],
    [
      'by a verified e-mail address that an application sends codes to',
      { ...NOTHING, email: 'a@example.com', emailVerified: true },
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
      { ...withIdentities(OPENID), email: 'a@example.com' },
      { extIdpId: 'wechat' },
      ALL,
    ],
    [
      'if no application accepts passwords',
      { ...withIdentities(OPENID), username: 'a', passwordLastSetAt: '2026-01-01' },
      { extIdpId: 'wechat' },
      offeredBy(['wechat'], ['EMAIL_CODE']),
    ],
    [
      'if passwords are accepted only with an e-mail address, and the user has none',
      { ...withIdentities(OPENID), username: 'a', passwordLastSetAt: '2026-01-01' },
      { extIdpId: 'wechat' },
      offeredBy(['wechat'], ['EMAIL_PASSWORD']),
    ],
  ])('%s', (_reason, user, target, offered) => {
    expect(canSignInAfter(user, target, offered)).toBe(false);
  });
});

test('an unlink without a type never leaves more ways to sign in than one with a type', () => {
  const account = fc.record<Account>({
    id: fc.constant(null),
    userIdInIdp: fc.constant(null),
    extIdpId: fc.constantFrom('wechat', 'github', 'deleted', null),
    type: fc.constantFrom('openid', 'unionid', 'generic'),
    originConnIds: fc.constantFrom([], ['c-github']),
  });
  const offered = fc.constantFrom(ALL, offeredBy(['wechat']), offeredBy(['c-github']));
  fc.assert(
    fc.property(
      fc.array(account, { maxLength: 4 }),
      fc.constantFrom('openid', 'OpenID'),
      offered,
      (identities, type, ways) => {
        const user = withIdentities(...identities);
        const all = canSignInAfter(user, { extIdpId: 'wechat' }, ways);
        expect(!all || canSignInAfter(user, { extIdpId: 'wechat', type }, ways)).toBe(true);
      },
    ),
  );
});
