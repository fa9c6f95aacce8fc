import { createPool, type Emulator, startEmulator, type StartOptions } from '../../src/emulator';
import { ADA, call, GITHUB, WANG_FANG, WEB, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator | undefined;

async function start(options?: StartOptions): Promise<Emulator> {
  emulator = await startEmulator(options);
  return emulator;
}

afterEach(() => emulator?.close());

describe('startEmulator', () => {
  test('generates an access key at every start, whose id is the user pool', async () => {
    const one = await start();
    const two = await startEmulator();
    expect(one.accessKeySecret).not.toBe(two.accessKeySecret);
    expect(one.userPoolId).toBe(one.accessKeyId);
    expect(one.accessKeyId).toMatch(/^[0-9a-f]{24}$/);
    await two.close();
  });

  test('uses the access key and user pool that it is given', async () => {
    const accessKey = { accessKeyId: 'collaborator', accessKeySecret: 's' };
    expect(await start({ accessKey, userPoolId: 'pool' })).toMatchObject({ ...accessKey, userPoolId: 'pool' });
  });

  test('refuses invalid switches, faults and seeds', async () => {
    await expect(start({ switches: { unlinkMissing: 'maybe' as '404' } })).rejects.toThrow(/"unlinkMissing" must be/);
    await expect(start({ faults: { nowhere: 'empty' } })).rejects.toThrow(/unknown route/);
    await expect(start({ qps: NaN })).rejects.toThrow(/"qps" must be a number from 0/);
    const users = [{ identities: [{ extIdpId: 'none', userIdInIdp: 'x' }] }];
    await expect(start({ seed: { extIdps: [], users } })).rejects.toThrow(/does not exist/);
  });

  test('reports that its port is taken', async () => {
    const { port } = new URL((await start()).url);
    await expect(startEmulator({ port: Number(port) })).rejects.toThrow('EADDRINUSE');
  });

  test('closes while connections are open', async () => {
    const running = await start();
    await call(running, 'get-user', { userId: ADA });
    await running.close();
    await expect(fetch(running.url)).rejects.toThrow('fetch failed');
    emulator = undefined;
  });
});

describe('the store', () => {
  test('can be changed directly, without an execution on record', async () => {
    const running = await start();
    const userId = running.store.addUser({ username: 'new', identities: [{ extIdpId: GITHUB, userIdInIdp: '9' }] });
    running.store.link(WANG_FANG, { extIdpId: WECHAT, type: 'openid', userIdInIdp: 'w' });
    expect(running.store.unlink({ userId: ZHANG_SAN, extIdpId: WECHAT, type: 'unionid' })).toBe(1);
    const { body } = await call(running, 'get-user-batch', {
      userIds: [userId, WANG_FANG, ZHANG_SAN],
      withIdentities: 'true',
    });
    const types = (body.data as { identities: { type: string }[] }[]).map(({ identities }) =>
      identities.map(({ type }) => type),
    );
    expect(types).toEqual([['generic'], ['openid'], ['openid', 'generic']]);
    expect(running.store.executions).toEqual([]);
  });

  test('refuses an identity that another user holds, and unknown ids', async () => {
    const { store } = await start();
    expect(() => store.link(ADA, { extIdpId: GITHUB, userIdInIdp: '1024001' })).toThrow(/another user holds/);
    expect(() => store.addUser({ id: ADA })).toThrow(/exists/);
    expect(() => store.signIn(ADA, 'nothing')).toThrow(/does not exist/);
    expect(() => store.signIn('nobody', WEB)).toThrow(/does not exist/);
    expect(() => store.link('nobody', { extIdpId: GITHUB, userIdInIdp: '1' })).toThrow(/does not exist/);
  });

  test('does not change a list that was read', async () => {
    const { store } = await start();
    const before = store.identitiesOf(ZHANG_SAN);
    store.unlink({ userId: ZHANG_SAN, extIdpId: WECHAT });
    expect([before.length, store.identitiesOf(ZHANG_SAN).length]).toEqual([3, 1]);
  });

  test('forgets calls and executions with clearCalls, but keeps the pool', async () => {
    const running = await start();
    await call(running, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: WECHAT });
    expect([running.calls.length, running.store.executions.length]).toEqual([1, 1]);
    running.clearCalls();
    expect([running.calls.length, running.store.executions.length]).toEqual([0, 0]);
    expect(running.store.identitiesOf(ZHANG_SAN)).toHaveLength(1);
  });
});

describe('the built-in pool', () => {
  test('has the kinds of users that real pools have', async () => {
    const { store } = await start();
    const users = store.users();
    const rows = users.flatMap(({ identities }) => identities);
    expect(users.every(({ profile }) => /^[0-9a-f]{24}$/.test(profile.userId))).toBe(true);
    expect(rows.every(({ identityId, extIdpId }) => /^[0-9a-f]{48}$/.test(identityId + extIdpId))).toBe(true);
    expect(new Set(rows.map(({ provider }) => provider)).size).toBe(7);
    const kinds = {
      'the last way to sign in': users.some(
        ({ identities, profile }) =>
          identities.length === 1 &&
          profile.passwordLastSetAt === null &&
          !profile.emailVerified &&
          !profile.phoneVerified,
      ),
      'two rows of one source, and nothing else': users.some(
        ({ identities, profile }) =>
          identities.map(({ type }) => type).join() === 'openid,unionid' && profile.passwordLastSetAt === null,
      ),
      'a row of a deleted source': rows.some(({ extIdpId }) => store.extIdp(extIdpId) === undefined),
      'an address that is not verified': users.some(({ profile }) => profile.email && !profile.emailVerified),
      'a user who is not activated': users.some(({ profile }) => profile.status === 'Suspended'),
      'a user who is signed in to several applications': users.some(
        ({ profile }) => store.signedInApps(profile.userId).length > 1,
      ),
      'nothing linked': users.some(({ identities }) => identities.length === 0),
      'one identity and no password': users.some(
        ({ identities, profile }) => identities.length === 1 && profile.passwordLastSetAt === null,
      ),
      'no profile at the source': rows.some(({ userInfoInIdp }) => userInfoInIdp === undefined),
      'credentials on the row': rows.some(({ accessToken, refreshToken }) => accessToken && refreshToken),
      'credentials in the profile': rows.some(({ userInfoInIdp }) => userInfoInIdp?.['accessToken'] !== undefined),
      'deeper credentials': rows.some(({ userInfoInIdp }) => userInfoInIdp?.['oauth'] !== undefined),
    };
    expect(Object.entries(kinds).filter(([, present]) => !present)).toEqual([]);
  });
});

describe('createPool', () => {
  test('creates users with identities under every source, with the same ids every time', async () => {
    const size = { users: 1000, identitiesPerUser: 3 };
    const { store } = await start({ seed: createPool(size) });
    const users = store.users();
    expect(users).toHaveLength(1000);
    expect(users.every(({ identities }) => new Set(identities.map(({ extIdpId }) => extIdpId)).size === 3)).toBe(true);
    expect(new Set(users.flatMap(({ identities }) => identities.map(({ identityId }) => identityId))).size).toBe(3000);
    expect(createPool(size)).toEqual(createPool(size));
  });

  test('signs every user in to its applications, and adds photos', async () => {
    const seed = createPool({ users: 2, identitiesPerUser: 1, applications: 60, photoKiB: 3 });
    const { store } = await start({ seed });
    const [user] = store.users();
    expect(store.applications()).toHaveLength(60);
    expect(store.signedInApps(user?.profile.userId ?? '')).toHaveLength(60);
    expect(String(user?.identities[0]?.userInfoInIdp?.['photo']).length).toBeGreaterThan(3 * 1024);
  });
});
