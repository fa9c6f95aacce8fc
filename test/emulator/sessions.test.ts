import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { ADA, call, dataOf, GITHUB, MOBILE, UNKNOWN_ID, WANG_FANG, WEB, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

async function signedInApps(userId: string): Promise<string[]> {
  const apps = await dataOf<{ appId: string }[]>(emulator, 'get-user-loggedin-apps', { userId });
  return apps.map(({ appId }) => appId);
}

const isActive = async (userId: string, appId: string) =>
  (await dataOf<{ active: boolean }>(emulator, 'check-session-status', { userId, appId })).active;

const kick = async (data: Record<string, unknown>) => (await call(emulator, 'kick-users', data)).body;

describe('sessions', () => {
  test('are listed by application', async () => {
    expect(await dataOf(emulator, 'get-user-loggedin-apps', { userId: ADA })).toEqual([
      { appId: WEB, appName: 'Web shop', appLogo: expect.any(String), appLoginUrl: expect.any(String) },
    ]);
    expect(await signedInApps(ZHANG_SAN)).toEqual([WEB, MOBILE]);
    expect(await signedInApps(WANG_FANG)).toEqual([]);
    emulator.store.signIn(WANG_FANG, MOBILE);
    expect(await signedInApps(WANG_FANG)).toEqual([MOBILE]);
  });

  test('end in the applications that kick-users names', async () => {
    expect(await kick({ userId: ZHANG_SAN, appIds: [MOBILE] })).toMatchObject({ data: { success: true } });
    expect(await signedInApps(ZHANG_SAN)).toEqual([WEB]);
    expect([await isActive(ZHANG_SAN, WEB), await isActive(ZHANG_SAN, MOBILE)]).toEqual([true, false]);
    expect(emulator.store.kickExecutions).toMatchObject([{ userId: ZHANG_SAN, appIds: [MOBILE], ended: 1 }]);
  });

  test('end for a user who is named in another way', async () => {
    await kick({ userId: 'zhangsan', appIds: [WEB, MOBILE], options: { userIdType: 'username' } });
    expect(await signedInApps(ZHANG_SAN)).toEqual([]);
  });

  test.each([
    ['none', []],
    ['51', Array.from({ length: 51 }, () => WEB)],
    ['a number', [7]],
    ['no list', WEB],
  ])('do not end when appIds is %s', async (_name, appIds) => {
    expect(await kick({ userId: ZHANG_SAN, appIds })).toMatchObject({
      statusCode: 400,
      message: 'Parameter appIds is malformed',
    });
    expect(await signedInApps(ZHANG_SAN)).toHaveLength(2);
  });

  test('can be as many as 50 in one call', async () => {
    await emulator.close();
    emulator = await startEmulator({ seed: createPool({ users: 1, identitiesPerUser: 1, applications: 120 }) });
    const [userId = ''] = emulator.store.users().map(({ profile }) => profile.userId);
    const apps = await signedInApps(userId);
    expect(apps).toHaveLength(120);
    expect((await kick({ userId, appIds: apps.slice(0, 50) })).statusCode).toBe(200);
    expect(await signedInApps(userId)).toHaveLength(70);
  });

  test('of unknown users and applications are refused', async () => {
    expect(await kick({ userId: UNKNOWN_ID, appIds: [WEB] })).toMatchObject({ statusCode: 404, apiCode: 2004 });
    expect(await kick({ userId: ADA, appIds: [WEB, UNKNOWN_ID] })).toMatchObject({ statusCode: 404, apiCode: 2011 });
    expect(await signedInApps(ADA)).toEqual([WEB]);
    for (const data of [
      { userId: UNKNOWN_ID, appId: WEB },
      { userId: ADA, appId: UNKNOWN_ID },
    ]) {
      expect((await call(emulator, 'check-session-status', data)).body.statusCode).toBe(404);
    }
    expect((await call(emulator, 'get-user-loggedin-apps', { userId: '' })).body.statusCode).toBe(400);
  });

  test.each([
    ['success', { statusCode: 200, data: { success: true } }],
    ['success-false', { statusCode: 200, data: { success: false } }],
    ['404', { statusCode: 404 }],
  ] as const)('that do not exist end as kickMissing %s says', async (value, response) => {
    emulator.switches.kickMissing = value;
    expect(await kick({ userId: ADA, appIds: [MOBILE] })).toMatchObject(response);
    expect((await kick({ userId: ADA, appIds: [WEB, MOBILE] })).data).toEqual({ success: true });
  });

  test('stay active after kick-users when sessionsAfterKick is kept', async () => {
    emulator.switches.sessionsAfterKick = 'kept';
    expect((await kick({ userId: ADA, appIds: [WEB] })).data).toEqual({ success: true });
    expect(await isActive(ADA, WEB)).toBe(true);
  });

  test('outlive an unlink, unless sessionsAfterUnlink is ended', async () => {
    await call(emulator, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: GITHUB });
    expect(await signedInApps(ZHANG_SAN)).toHaveLength(2);
    emulator.switches.sessionsAfterUnlink = 'ended';
    // Nothing is removed, so nothing ends.
    await call(emulator, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: GITHUB });
    expect(await signedInApps(ZHANG_SAN)).toHaveLength(2);
    await call(emulator, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: WECHAT });
    expect(await signedInApps(ZHANG_SAN)).toEqual([]);
  });
});
