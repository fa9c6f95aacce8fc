import { type Emulator, startEmulator } from '../../src/emulator';
import { call, dataOf, MOBILE, UNKNOWN_ID, SAML, WEB, WECHAT } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

interface Application {
  loginConfig: { enabledBasicLoginMethods: string[]; enabledExtIdpConns: unknown };
}

const readApplication = (appId: string) => dataOf<Application>(emulator, 'get-application', { appId });

describe('get-application', () => {
  test('returns the ways to sign in to an application', async () => {
    const application = await readApplication(WEB);
    expect(application).toMatchObject({ appId: WEB, appName: 'Web shop', userPoolId: emulator.userPoolId });
    expect(application.loginConfig.enabledBasicLoginMethods).toEqual([
      'USERNAME_PASSWORD',
      'EMAIL_PASSWORD',
      'EMAIL_CODE',
    ]);
    const connections = application.loginConfig.enabledExtIdpConns as { extIdpId: string }[];
    expect(connections[0]).toEqual({
      isSocial: true,
      extIdpId: WECHAT,
      extIdpType: 'wechat',
      extIdpConnId: '62f2093244fa5cb19ff21ed3',
      extIdpConnType: 'wechat:pc',
      extIdpConnIdentifier: 'my-wechat',
      extIdpConnDisplayName: '微信扫码',
      extIdpConnLogo: expect.any(String) as unknown,
      enabled: true,
    });
    expect(connections.find(({ extIdpId }) => extIdpId === SAML)).toMatchObject({ isSocial: false, enabled: false });
  });

  test('returns connections as ids or as a text when enabledExtIdpConns says so', async () => {
    const ids = ['62f2093244fa5cb19ff21ed3', '62f2093244fa5cb19ff21ed4', '62f2093244fa5cb19ff21ed6'];
    emulator.switches.enabledExtIdpConns = 'ids';
    expect((await readApplication(MOBILE)).loginConfig.enabledExtIdpConns).toEqual(ids);
    emulator.switches.enabledExtIdpConns = 'text';
    expect((await readApplication(MOBILE)).loginConfig.enabledExtIdpConns).toBe(JSON.stringify(ids));
  });

  test.each([
    ['2011', { statusCode: 404, apiCode: 2011 }],
    ['404', { statusCode: 404 }],
    ['400', { statusCode: 400 }],
  ] as const)('refuses an unknown application as applicationMissing %s says', async (value, refusal) => {
    emulator.switches.applicationMissing = value;
    const { body } = await call(emulator, 'get-application', { appId: UNKNOWN_ID });
    expect(body).toMatchObject({ ...refusal, message: 'Application not found' });
    expect('apiCode' in body).toBe('apiCode' in refusal);
  });

  test('enables every connection of the pool where a seed names none', async () => {
    const appId = 'a'.repeat(24);
    const source = (id: string) => ({ id: id.repeat(24), name: id, type: 'oidc' });
    await emulator.close();
    emulator = await startEmulator({
      seed: { extIdps: [source('1'), source('2')], applications: [{ id: appId, name: 'App' }], users: [] },
    });
    expect((await readApplication(appId)).loginConfig).toMatchObject({
      enabledBasicLoginMethods: expect.arrayContaining(['PHONE_CODE', 'USERNAME_PASSWORD']) as unknown,
      enabledExtIdpConns: [{ enabled: true }, { enabled: true }],
    });
  });
});

describe('list-ext-idp', () => {
  const list = async (data: Record<string, unknown>) =>
    (await dataOf<{ totalCount: number; list: unknown }>(emulator, 'list-ext-idp', data)).list;

  test('ignores appId, or returns the sources that the application enables', async () => {
    expect(await list({ appId: WEB })).toHaveLength(7);
    emulator.switches.extIdpAppId = 'enabled';
    expect(await list({ appId: WEB })).toHaveLength(6);
    expect(await list({ appId: MOBILE })).toMatchObject([{ type: 'wechat' }, { type: 'github' }, { type: 'lark' }]);
    expect((await call(emulator, 'list-ext-idp', { appId: UNKNOWN_ID })).body).toMatchObject({ apiCode: 2011 });
  });

  test('omits sources that no application enables when extIdpDisabled says so', async () => {
    expect(await list({})).toHaveLength(7);
    emulator.switches.extIdpDisabled = 'omitted';
    const sources = (await list({})) as { id: string }[];
    expect(sources).toHaveLength(6);
    expect(sources.map(({ id }) => id)).not.toContain(SAML);
  });

  test('returns a list of one source as that source when extIdpList is object', async () => {
    emulator.switches.extIdpList = 'object';
    expect(await list({})).toHaveLength(7);
    for (const { id } of emulator.store.extIdps()) if (id !== WECHAT) emulator.store.deleteExtIdp(id);
    expect(await list({})).toMatchObject({ id: WECHAT, type: 'wechat' });
    emulator.switches.extIdpList = 'list';
    expect(await list({})).toMatchObject([{ id: WECHAT }]);
  });

  test.each([404, 400, 499])(
    'has no unknown source: get-ext-idp and link-identity refuse one with extIdpMissing %i',
    async (statusCode) => {
      emulator.switches.extIdpMissing = String(statusCode) as '404';
      expect((await call(emulator, 'get-ext-idp', { id: UNKNOWN_ID })).body).toMatchObject({ statusCode });
      const link = { userId: '6229ffa1c05e6bfcade3e3d1', extIdpId: UNKNOWN_ID, userIdInIdp: '1' };
      expect((await call(emulator, 'link-identity', link)).body).toMatchObject({ statusCode });
    },
  );
});
