import { type Emulator, startEmulator } from '../../src/emulator';
import { ADA, call, dataOf, GITHUB, LI_SI, send, sign, WANG_FANG, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

type Users = ({ userId: string; identities?: unknown[] } | null)[];

const batch = (data: Record<string, unknown>) => dataOf<Users>(emulator, 'get-user-batch', data);

describe('a reverse look-up', () => {
  const accounts = [`${GITHUB}:1024002`, `${WECHAT}:nobody`, `${GITHUB}:1024001`];

  test('finds the owners of accounts in a batch', async () => {
    const users = await batch({ userIds: accounts, userIdType: 'identity', withIdentities: 'true' });
    expect(users.map((user) => user?.userId)).toEqual([ADA, ZHANG_SAN]);
    expect(users[0]?.identities).toHaveLength(2);
  });

  test('returns null for an account without an owner when batchUnknown is null', async () => {
    emulator.switches.batchUnknown = 'null';
    const users = await batch({ userIds: accounts, userIdType: 'identity' });
    expect(users.map((user) => user?.userId ?? null)).toEqual([ADA, null, ZHANG_SAN]);
  });

  test('finds no owner once an account was unlinked', async () => {
    await dataOf(emulator, 'unlink-identity', { userId: ADA, extIdpId: GITHUB });
    expect(await batch({ userIds: accounts.slice(0, 1), userIdType: 'identity' })).toEqual([]);
    const { body } = await call(emulator, 'get-user', { userId: accounts[0], userIdType: 'identity' });
    expect(body).toMatchObject({ statusCode: 404, apiCode: 2004 });
  });

  test('refuses a batch with a malformed account', async () => {
    const { body } = await call(emulator, 'get-user-batch', { userIds: ['no colon'], userIdType: 'identity' });
    expect(body).toMatchObject({ statusCode: 400 });
  });
});

describe('get-user-batch', () => {
  const list = JSON.stringify([ADA, LI_SI]);

  async function asJson(text: string) {
    const path = '/api/v3/get-user-batch';
    const headers = sign({ method: 'GET', path, data: { userIds: text } }, emulator);
    const url = `${emulator.url}${path}?userIds=${encodeURIComponent(text)}`;
    return (await send({ url, init: { method: 'GET', headers } })).body;
  }

  test('reads a URL-encoded JSON list of ids', async () => {
    for (const encoding of ['all', 'json'] as const) {
      emulator.switches.batchEncodings = encoding;
      expect((await asJson(list)).data).toMatchObject([{ userId: ADA }, { userId: LI_SI }]);
    }
    expect(emulator.calls[0]?.userIds).toEqual([ADA, LI_SI]);
  });

  test('does not read it when batchEncodings is another', async () => {
    emulator.switches.batchEncodings = 'comma';
    expect((await asJson(list)).data).toEqual([]);
  });

  test.each(['[', '[]', '[7]', '["x', `[${Array.from({ length: 51 }, () => '"x"').join()}]`])(
    'refuses the JSON list %s',
    async (text) => {
      expect(await asJson(text)).toMatchObject({ statusCode: 400 });
    },
  );
});

describe('reads', () => {
  const identitiesOf = async (userId: string) => [
    (await dataOf<unknown[]>(emulator, 'get-user-identities', { userId })).length,
    (await dataOf<{ identities: unknown[] }>(emulator, 'get-user', { userId, withIdentities: 'true' })).identities
      .length,
    (await batch({ userIds: [userId], withIdentities: 'true' }))[0]?.identities?.length,
  ];

  test('see changes of identities only after readLagMs', async () => {
    emulator.switches.readLagMs = 3_600_000;
    await dataOf(emulator, 'unlink-identity', { userId: ZHANG_SAN, extIdpId: WECHAT });
    await dataOf(emulator, 'link-identity', { userId: WANG_FANG, extIdpId: GITHUB, userIdInIdp: 'new' });
    expect([await identitiesOf(ZHANG_SAN), await identitiesOf(WANG_FANG)]).toEqual([
      [3, 3, 3],
      [0, 0, 0],
    ]);
    expect(await batch({ userIds: [`${GITHUB}:new`], userIdType: 'identity' })).toEqual([]);
    expect(emulator.store.identitiesOf(ZHANG_SAN)).toHaveLength(1);
    emulator.switches.readLagMs = 0;
    expect([await identitiesOf(ZHANG_SAN), await identitiesOf(WANG_FANG)]).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });
});
