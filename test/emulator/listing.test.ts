import { type Emulator, startEmulator } from '../../src/emulator';
import { ADA, call, GITHUB, LI_SI, UNKNOWN_ID, WANG_FANG, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

interface Row {
  userId: string;
  identities?: unknown[];
}

describe('list-users', () => {
  async function list(data: Record<string, unknown>) {
    const { body } = await call(emulator, 'list-users', data);
    return body.data as { totalCount: number; list: Row[] };
  }

  test('returns a page of the users that match the keywords', async () => {
    expect(await list({})).toMatchObject({ totalCount: 13 });
    expect((await list({ keywords: '张' })).list).toMatchObject([{ userId: ZHANG_SAN }]);
    const page = await list({ options: { pagination: { page: 2, limit: 2 } } });
    expect(page.totalCount).toBe(13);
    expect(page.list).toMatchObject([{ userId: LI_SI }, { userId: WANG_FANG }]);
  });

  test('sorts by a field', async () => {
    const sorted = await list({ keywords: 'example.com', options: { sort: [{ field: 'email', order: 'desc' }] } });
    const ascending = await list({ keywords: 'example.com', options: { sort: [{ field: 'email', order: 'asc' }] } });
    expect(sorted.list[0]?.userId).toBe(ZHANG_SAN);
    expect(ascending.list[0]?.userId).toBe(ADA);
  });

  test.each([
    [{ options: { pagination: { page: 0 } } }, 400, 'Parameter page is malformed'],
    [{ options: { pagination: { limit: 0 } } }, 400, 'Parameter limit is malformed'],
    [{ options: { pagination: { limit: 51 } } }, 400, 'limit must less than 50'],
    [{ options: { sort: [{ field: 'id', direction: 'asc' }] } }, 400, 'Parameter order is malformed'],
    [{ searchQuery: {} }, 501, 'This operation is not supported'],
  ])('refuses %j', async (data, statusCode, message) => {
    expect((await call(emulator, 'list-users', data)).body).toMatchObject({ statusCode, message });
  });

  test('sees a change of identities only after indexLagMs', async () => {
    const asked = { keywords: 'zhangsan', options: { withIdentities: true } };
    emulator.switches.indexLagMs = 3_600_000;
    await call(emulator, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: WECHAT });
    expect((await list(asked)).list[0]?.identities).toHaveLength(3);
    expect((await call(emulator, 'get-user-identities', { userId: ZHANG_SAN })).body.data).toHaveLength(1);
    emulator.switches.indexLagMs = 0;
    expect((await list(asked)).list[0]?.identities).toHaveLength(1);
  });
});

describe('identity sources', () => {
  test('are listed', async () => {
    const { body } = await call(emulator, 'list-ext-idp', { appId: 'any' });
    const { totalCount, list } = body.data as { totalCount: number; list: object[] };
    expect(totalCount).toBe(list.length);
    expect(list[0]).toEqual({ id: WECHAT, name: '微信', type: 'wechat', logo: expect.any(String) as unknown });
  });

  test('are shown with their connections', async () => {
    const { body } = await call(emulator, 'get-ext-idp', { id: WECHAT });
    expect(body.data).toMatchObject({
      id: WECHAT,
      autoJoin: true,
      connections: [{ id: '62f2093244fa5cb19ff21ed3', extIdpId: WECHAT, identifier: 'my-wechat', type: 'wechat:pc' }],
    });
  });

  test('that do not exist are refused', async () => {
    expect((await call(emulator, 'get-ext-idp', { id: UNKNOWN_ID })).body.statusCode).toBe(404);
    expect((await call(emulator, 'get-ext-idp', { type: 'social' })).body.statusCode).toBe(400);
  });

  test('that a user signed in with are forgotten after an unlink when loggedInHistory is removed', async () => {
    emulator.switches.loggedInHistory = 'removed';
    await call(emulator, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: WECHAT });
    const { body } = await call(emulator, 'get-user-logged-in-identities', { userId: ZHANG_SAN });
    expect(body.data).toMatchObject([{ idpId: GITHUB }]);
  });

  test('that a user signed in with are named by an identity when loggedInIdpId says so', async () => {
    emulator.switches.loggedInIdpId = 'identity';
    const { body } = await call(emulator, 'get-user-logged-in-identities', { userId: ZHANG_SAN });
    expect(body.data).toMatchObject([{ idpId: '62299d8b866d2dab79a89d01' }, { idpId: '62299d8b866d2dab79a89d03' }]);
  });

  test('that a user signed in with are remembered after an unlink', async () => {
    const read = async () => (await call(emulator, 'get-user-logged-in-identities', { userId: ZHANG_SAN })).body.data;
    const before = await read();
    expect(before).toMatchObject([
      { idpId: WECHAT, idpName: '微信', idpNameEn: 'wechat', identityId: '62299d8b866d2dab79a89d01' },
      { idpId: GITHUB, idpName: 'GitHub' },
    ]);
    await call(emulator, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: WECHAT });
    expect(await read()).toEqual(before);
  });
});
