import { type Emulator, startEmulator } from '../../src/emulator';
import { ADA, call, GITHUB, LI_SI, UNKNOWN_ID, send, sign, WANG_FANG, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

interface Row {
  userId: string;
  identities?: unknown[] | null;
}

async function batch(data: Record<string, unknown>): Promise<(Row | null)[]> {
  const { body } = await call(emulator, 'get-user-batch', data);
  expect(body.statusCode).toBe(200);
  return body.data as (Row | null)[];
}

function ids(rows: (Row | null)[]): (string | null)[] {
  return rows.map((row) => row?.userId ?? null);
}

/** Sends a raw query, with the signature of its parsed data. */
async function rawBatch(query: string, userIds: unknown) {
  const path = '/api/v3/get-user-batch';
  const headers = sign({ method: 'GET', path, data: { userIds } }, emulator);
  return send({ url: `${emulator.url}${path}?${query}`, init: { method: 'GET', headers } });
}

describe('get-user-identities', () => {
  test('returns every row of the user with all its columns', async () => {
    const { status, headers, body } = await call(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    expect(status).toBe(200);
    expect(body).toEqual({
      statusCode: 200,
      message: 'Operation successful',
      requestId: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
      data: emulator.store.identitiesOf(ZHANG_SAN),
    });
    expect(headers.get('x-request-id')).toBe(body.requestId);
    expect(body.data).toMatchObject([
      { extIdpId: WECHAT, provider: 'wechat', type: 'openid', originConnIds: ['62f2093244fa5cb19ff21ed3'] },
      { extIdpId: WECHAT, provider: 'wechat', type: 'unionid' },
      { extIdpId: GITHUB, provider: 'github', type: 'generic' },
    ]);
  });

  test('returns an empty list for a user without identities', async () => {
    expect((await call(emulator, 'get-user-identities', { userId: WANG_FANG })).body.data).toEqual([]);
  });

  test('omits credentials and profiles when the switches say so', async () => {
    emulator.switches.identityTokens = 'absent';
    emulator.switches.userInfoInIdp = 'absent';
    const { body } = await call(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    const fields = ['identityId', 'extIdpId', 'provider', 'type', 'userIdInIdp', 'originConnIds'];
    for (const row of body.data as object[]) expect(Object.keys(row).sort()).toEqual([...fields].sort());
  });

  test('refuses an empty user id, with a message in Chinese unless the request asks for English', async () => {
    const { body } = await call(
      emulator,
      'get-user-identities',
      { userId: '' },
      { headers: { 'x-genauth-lang': null } },
    );
    expect(body).toMatchObject({ statusCode: 400, message: '参数 userId 格式错误' });
    expect(body).not.toHaveProperty('apiCode');
    expect(body).not.toHaveProperty('data');
    const english = await call(emulator, 'get-user-identities', { userId: '' });
    expect(english.body.message).toBe('Parameter userId is malformed');
  });

  test('refuses an unknown user', async () => {
    const { status, body } = await call(emulator, 'get-user-identities', { userId: UNKNOWN_ID });
    expect(status).toBe(200);
    expect(body).toMatchObject({ statusCode: 404, apiCode: 2004, message: 'User not found' });
    emulator.switches.userMissingApiCode = 'absent';
    const silent = await call(emulator, 'get-user-identities', { userId: UNKNOWN_ID });
    expect(silent.body.statusCode).toBe(404);
    expect(silent.body).not.toHaveProperty('apiCode');
  });
});

describe('get-user', () => {
  test.each([
    ['user_id', ZHANG_SAN],
    ['username', 'zhangsan'],
    ['email', 'ZhangSan@Example.com'],
    ['phone', '13800000001'],
    ['identity', `${WECHAT}:oH_5k5SflrwjGvk7wqpoBKq_cc6M`],
    ['sync_relation', 'github:1024001'],
    ['custom_field', 'school:Peking University'],
  ])('finds a user by %s', async (userIdType, userId) => {
    const { body } = await call(emulator, 'get-user', { userId, userIdType });
    expect(body.data).toMatchObject({ userId: ZHANG_SAN, name: '张三', status: 'Activated' });
  });

  test('finds a user by external_id', async () => {
    const { body } = await call(emulator, 'get-user', { userId: 'HR-00042', userIdType: 'external_id' });
    expect(body.data).toMatchObject({ name: 'José Álvarez', externalId: 'HR-00042' });
  });

  test.each([
    ['userId', { userId: 'no at sign', userIdType: 'email' }],
    ['userId', { userId: 'not a number', userIdType: 'phone' }],
    ['userId', { userId: 'no colon', userIdType: 'identity' }],
    ['userIdType', { userId: ZHANG_SAN, userIdType: 'passport' }],
  ])('refuses a malformed %s', async (field, data) => {
    const { body } = await call(emulator, 'get-user', data);
    expect(body).toMatchObject({ statusCode: 400, message: `Parameter ${field} is malformed` });
  });

  test('returns identities and custom data only when requested', async () => {
    const bare = (await call(emulator, 'get-user', { userId: ZHANG_SAN, withIdentities: 'false' })).body.data;
    expect(bare).not.toHaveProperty('identities');
    expect(bare).not.toHaveProperty('customData');
    const asked = { userId: ZHANG_SAN, withIdentities: 'true', withCustomData: 'true' };
    expect((await call(emulator, 'get-user', asked)).body.data).toMatchObject({
      identities: emulator.store.identitiesOf(ZHANG_SAN),
      customData: { school: 'Peking University', age: 22 },
    });
  });

  test('returns the identities of a user without any as noIdentities says', async () => {
    const read = async () =>
      (await call(emulator, 'get-user', { userId: WANG_FANG, withIdentities: 'true' })).body.data as Row;
    expect((await read()).identities).toEqual([]);
    emulator.switches.noIdentities = 'null';
    expect((await read()).identities).toBeNull();
    emulator.switches.noIdentities = 'absent';
    expect(await read()).not.toHaveProperty('identities');
  });

  test('returns other missing values as noValue says', async () => {
    const read = async () => (await call(emulator, 'get-user', { userId: WANG_FANG })).body.data as object;
    expect(await read()).toMatchObject({ phone: null, photo: null });
    emulator.switches.noValue = 'absent';
    const user = await read();
    expect(user).not.toHaveProperty('phone');
    expect(user).toMatchObject({ userId: WANG_FANG, emailVerified: true, phoneVerified: false });
  });
});

describe('get-user-batch', () => {
  test('returns the requested users in the requested order', async () => {
    const rows = await batch({ userIds: [LI_SI, ZHANG_SAN, WANG_FANG], withIdentities: 'true' });
    expect(ids(rows)).toEqual([LI_SI, ZHANG_SAN, WANG_FANG]);
    expect(rows.map((row) => row?.identities?.length)).toEqual([3, 3, 0]);
    expect(emulator.calls).toMatchObject([{ userIds: [LI_SI, ZHANG_SAN, WANG_FANG] }]);
  });

  test('omits unknown users, returns null for them, or refuses the batch', async () => {
    const asked = { userIds: [ADA, UNKNOWN_ID, LI_SI] };
    expect(ids(await batch(asked))).toEqual([ADA, LI_SI]);
    emulator.switches.batchUnknown = 'null';
    expect(ids(await batch(asked))).toEqual([ADA, null, LI_SI]);
    emulator.switches.batchUnknown = '404';
    const { body } = await call(emulator, 'get-user-batch', asked);
    expect(body).toMatchObject({ statusCode: 404, apiCode: 2004 });
  });

  test('returns users in the order of batchOrder', async () => {
    const asked = { userIds: [LI_SI, ZHANG_SAN, ADA] };
    emulator.switches.batchOrder = 'reversed';
    expect(ids(await batch(asked))).toEqual([ADA, ZHANG_SAN, LI_SI]);
    emulator.switches.batchOrder = 'stored';
    expect(ids(await batch(asked))).toEqual([ZHANG_SAN, ADA, LI_SI]);
  });

  test('returns a repeated id once, or twice', async () => {
    expect(ids(await batch({ userIds: [ADA, ADA] }))).toEqual([ADA]);
    emulator.switches.batchDuplicates = 'repeated';
    expect(ids(await batch({ userIds: [ADA, ADA] }))).toEqual([ADA, ADA]);
  });

  test('accepts 1 to 50 ids', async () => {
    const many = Array.from({ length: 50 }, (_, index) => index.toString(16).padStart(24, '0'));
    expect(await batch({ userIds: [...many.slice(1), ADA] })).toHaveLength(1);
    const tooMany = await call(emulator, 'get-user-batch', { userIds: [...many, ADA] });
    expect(tooMany.body).toMatchObject({ statusCode: 400, message: 'Parameter userIds is malformed' });
    const none = await call(emulator, 'get-user-batch', { withIdentities: 'true' });
    expect(none.body).toMatchObject({ statusCode: 400, message: 'Parameter userIds is malformed' });
  });

  const both = [ADA, LI_SI];
  const encodings = [
    ['brackets', `userIds[]=${ADA}&userIds[]=${LI_SI}`, both],
    ['brackets', `userIds%5B0%5D=${ADA}&userIds%5B1%5D=${LI_SI}`, both],
    ['repeat', `userIds=${ADA}&userIds=${LI_SI}`, both],
    ['comma', `userIds=${ADA},${LI_SI}`, both.join(',')],
  ] as const;

  test.each(encodings)('reads ids in the encoding %s: %s', async (encoding, query, signed) => {
    expect(ids((await rawBatch(query, signed)).body.data as Row[])).toEqual(both);
    emulator.switches.batchEncodings = encoding;
    expect(ids((await rawBatch(query, signed)).body.data as Row[])).toEqual(both);
  });

  test.each(encodings)('does not read %s when batchEncodings is another: %s', async (encoding, query, signed) => {
    emulator.switches.batchEncodings = encoding === 'comma' ? 'brackets' : 'comma';
    const { body } = await rawBatch(query, signed);
    expect(body.statusCode === 200 ? ids(body.data as Row[]) : body.apiCode).not.toEqual(both);
  });
});

describe('every response', () => {
  test('has a request id always, on failure, or never', async () => {
    const read = async (userId: string) => (await call(emulator, 'get-user', { userId })).body.requestId !== undefined;
    expect([await read(ADA), await read(UNKNOWN_ID)]).toEqual([true, true]);
    emulator.switches.requestId = 'failure';
    expect([await read(ADA), await read(UNKNOWN_ID)]).toEqual([false, true]);
    emulator.switches.requestId = 'never';
    expect([await read(ADA), await read(UNKNOWN_ID)]).toEqual([false, false]);
  });

  test('has the request id that the client sent', async () => {
    const { body, headers } = await call(
      emulator,
      'get-user',
      { userId: ADA },
      { headers: { 'x-request-id': 'mine-1' } },
    );
    expect([body.requestId, headers.get('x-request-id')]).toEqual(['mine-1', 'mine-1']);
  });

  test('to an unknown path or method is HTTP 404', async () => {
    for (const [method, path] of [
      ['GET', '/api/v3/unlink-identity'],
      ['POST', '/api/v3/get-user'],
      ['GET', '/'],
      ['GET', '/api/v3/constructor'],
    ] as const) {
      const { status, body } = await send({ url: emulator.url + path, init: { method, headers: {} } });
      expect([status, body.statusCode, body.message]).toEqual([404, 404, `Cannot ${method} ${path}`]);
    }
    expect(emulator.calls.map(({ route }) => route)).toEqual([null, null, null, null]);
  });
});
