import { ManagementClient, type Models } from 'authing-node-sdk';
import { type Emulator, startEmulator } from '../../src/emulator';
import { ADA, GITHUB, LI_SI, MOBILE, UNKNOWN_ID, WEB, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

function createSdk(options: { accessKeySecret?: string; lang?: 'zh-CN' | 'en-US'; tenantId?: string } = {}) {
  const { accessKeyId, accessKeySecret, url } = emulator;
  return new ManagementClient({ accessKeyId, accessKeySecret, host: url, ...options });
}

describe('the vendor SDK', () => {
  test('reads the identities of a user', async () => {
    const answer = await createSdk().getUserIdentities({ userId: ZHANG_SAN });
    expect(answer).toMatchObject({ statusCode: 200, message: '操作成功' });
    expect(answer.data).toEqual(emulator.store.identitiesOf(ZHANG_SAN));
  });

  test('reads a user', async () => {
    const answer = await createSdk({ lang: 'en-US' }).getUser({ userId: ADA, withIdentities: true });
    expect(answer).toMatchObject({ statusCode: 200, message: 'Operation successful' });
    expect(answer.data).toMatchObject({ userId: ADA, name: 'Ada Lovelace' });
    expect(answer.data.identities).toHaveLength(2);
  });

  test('reads a batch of users', async () => {
    const answer = await createSdk().getUserBatch({ userIds: [ADA, UNKNOWN_ID, LI_SI], withIdentities: true });
    expect(answer.data.map((user: Models.UserDto) => user.userId)).toEqual([ADA, LI_SI]);
  });

  test('encodes a batch with brackets only', async () => {
    emulator.switches.batchEncodings = 'brackets';
    const asked = { userIds: [ADA, LI_SI] };
    expect((await createSdk().getUserBatch(asked)).statusCode).toBe(200);
    emulator.switches.batchEncodings = 'repeat';
    expect((await createSdk().getUserBatch(asked)).statusCode).toBe(401);
    emulator.switches.batchEncodings = 'comma';
    expect((await createSdk().getUserBatch(asked)).statusCode).toBe(401);
  });

  test('unlinks an identity', async () => {
    const sdk = createSdk();
    const answer = await sdk.unlinkIdentity({ userId: ZHANG_SAN, extIdpId: WECHAT, type: 'openid', isSocial: false });
    expect(answer).toMatchObject({ statusCode: 200, data: { success: true } });
    await sdk.unlinkIdentity({ userId: ZHANG_SAN, extIdpId: GITHUB });
    expect(emulator.store.identitiesOf(ZHANG_SAN)).toMatchObject([{ provider: 'wechat', type: 'unionid' }]);
  });

  test('links an identity and lists users with a nested body', async () => {
    const sdk = createSdk({ tenantId: 'tenant1' });
    const linked = await sdk.linkIdentity({ userId: ADA, extIdpId: WECHAT, userIdInIdp: 'new', type: 'openid' });
    expect(linked.data.success).toBe(true);
    const listed = await sdk.listUsers({
      keywords: 'ada',
      options: { withIdentities: true, pagination: { limit: 5 } },
    });
    expect(listed.data.list.map((user) => user.identities?.length)).toEqual([3]);
  });

  test('reads an identity source with its connections', async () => {
    const { data } = await createSdk().getExtIdp({ id: WECHAT });
    expect(data).toMatchObject({ id: WECHAT, connections: [{ identifier: 'my-wechat', extIdpId: WECHAT }] });
    expect((await createSdk().listExtIdp({ appId: WEB })).data.totalCount).toBe(7);
  });

  test('reads how users can sign in to an application', async () => {
    const { data } = await createSdk().getApplication({ appId: MOBILE });
    expect(data.loginConfig.enabledBasicLoginMethods).toEqual(['PHONE_CODE']);
    expect(data.loginConfig.enabledExtIdpConns.map(({ extIdpId }) => extIdpId)).toContain(WECHAT);
    expect(await createSdk().getApplication({ appId: UNKNOWN_ID })).toMatchObject({ statusCode: 404, apiCode: 2011 });
  });

  test('signs a user out', async () => {
    const sdk = createSdk();
    const before = await sdk.getUserLoggedinApps({ userId: ZHANG_SAN });
    expect(before.data.map(({ appId }) => appId)).toEqual([WEB, MOBILE]);
    expect((await sdk.checkSessionStatus({ userId: ZHANG_SAN, appId: WEB })).data).toEqual({ active: true });
    expect((await sdk.kickUsers({ userId: ZHANG_SAN, appIds: [WEB] })).data).toEqual({ success: true });
    expect((await sdk.checkSessionStatus({ userId: ZHANG_SAN, appId: WEB })).data).toEqual({ active: false });
  });

  test('finds the owner of an account', async () => {
    const account = `${WECHAT}:oH_5k5SflrwjGvk7wqpoBKq_cc6M`;
    const { data } = await createSdk().getUser({ userId: account, userIdType: 'identity' });
    expect(data.userId).toBe(ZHANG_SAN);
    const batch = await createSdk().getUserBatch({ userIds: [account, `${WECHAT}:nobody`], userIdType: 'identity' });
    expect(batch.data.map((user: Models.UserDto) => user.userId)).toEqual([ZHANG_SAN]);
  });

  test('reads which sources a user signed in with', async () => {
    const { data } = await createSdk().getUserLoggedinIdentities({ userId: ZHANG_SAN });
    expect(data).toHaveLength(2);
  });

  test('signs a "?" for a request without parameters', async () => {
    expect((await createSdk().listExtIdp({})).statusCode).toBe(200);
    emulator.switches.trailingQuestionMark = 'refuse';
    expect(await createSdk().listExtIdp({})).toMatchObject({ statusCode: 401, apiCode: 1300 });
  });

  test('cannot sign an empty list, which it does not send', async () => {
    expect(await createSdk().getUserBatch({ userIds: [] })).toMatchObject({ statusCode: 401, apiCode: 1300 });
  });

  test('is refused with a wrong secret', async () => {
    const answer = await createSdk({ accessKeySecret: 'not it' }).getUserIdentities({ userId: ZHANG_SAN });
    expect(answer).toMatchObject({ statusCode: 401, apiCode: 1300 });
    expect(emulator.calls).toMatchObject([{ authenticated: false, executed: false }]);
  });
});
