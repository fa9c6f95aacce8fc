import {
  type GenAuthId,
  type ManagementClient,
  ManagementRefusedError,
  UserRecord,
  parseIdentityType,
} from '../../src/genauth';
import { ManagementStub, type Reply, SUCCESS } from './managementStub';

const USER = '6229ffaa0000000000000001';
const OTHER = '6229ffaa0000000000000002';
const SOURCE = '62f2093271600cc10d966ee5';

const ROW = {
  identityId: '62f20932716fbcc10d966ee5',
  extIdpId: SOURCE,
  provider: 'wechat',
  type: 'openid',
  userIdInIdp: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M',
  userInfoInIdp: { nickname: 'Li', access_token: 'x' },
  originConnIds: ['62f2093244fa5cb19ff21ed3'],
};
const IDENTITY = {
  id: ROW.identityId,
  extIdpId: SOURCE,
  provider: 'wechat',
  type: 'openid',
  userIdInIdp: ROW.userIdInIdp,
  userInfoInIdp: { nickname: 'Li' },
  originConnIds: ROW.originConnIds,
};

let stub: ManagementStub;
let client: ManagementClient;

beforeEach(async () => {
  stub = await ManagementStub.start();
  client = stub.client();
});

afterEach(() => stub.close());

function id(value: string): GenAuthId {
  return client.parseId('id', value);
}

/** A deadline that never passes. */
function never(): AbortSignal {
  return new AbortController().signal;
}

function answer(data: unknown): void {
  stub.reply = () => ({ statusCode: 200, message: 'Success', data });
}

describe('unlinkIdentity', () => {
  const request = (): { userId: GenAuthId; extIdpId: GenAuthId } => ({ userId: id(USER), extIdpId: id(SOURCE) });

  test('sends user and source, and leaves out a type that was not given', async () => {
    stub.reply = () => SUCCESS;
    expect(await client.unlinkIdentity(request(), { deadline: never(), idempotencyKey: 'operation-1' })).toEqual({
      apiCode: null,
      requestId: '934108e5-9fbf-4d24',
      attempts: 1,
    });
    expect(stub.requests).toMatchObject([
      { route: 'POST /api/v3/unlink-identity', query: '', body: `{"userId":"${USER}","extIdpId":"${SOURCE}"}` },
    ]);
  });

  test('sends the type that was given', async () => {
    stub.reply = () => SUCCESS;
    await client.unlinkIdentity(
      { ...request(), type: parseIdentityType('type', 'openid') },
      { deadline: never(), idempotencyKey: 'operation-1' },
    );
    expect(stub.requests[0]?.body).toBe(`{"userId":"${USER}","extIdpId":"${SOURCE}","type":"openid"}`);
  });

  test('passes on the codes that come with success', async () => {
    stub.reply = () => ({ ...SUCCESS, apiCode: 20001 });
    expect(await client.unlinkIdentity(request(), { deadline: never(), idempotencyKey: 'operation-1' })).toMatchObject({
      apiCode: 20001,
    });
  });

  test('is refused when success is false', async () => {
    stub.reply = () => ({ ...SUCCESS, apiCode: 2216, data: { success: false } });
    const error = await client
      .unlinkIdentity(request(), { deadline: never(), idempotencyKey: 'operation-1' })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ManagementRefusedError);
    expect(error).toMatchObject({
      refusal: 'rejected',
      statusCode: 200,
      apiCode: 2216,
      requestId: '934108e5-9fbf-4d24',
      route: 'POST /api/v3/unlink-identity',
    });
  });

  test.each<[unknown]>([
    [undefined],
    [null],
    [true],
    [{}],
    [[{ success: true }]],
    [{ success: 'true' }],
    [{ success: 1 }],
    [{ success: null }],
    [{ Success: true }],
  ])('may or may not have been executed when the data is %j', async (data) => {
    answer(data);
    const lost = { name: 'ManagementUnreachableError', reason: 'shape', sent: 'maybe' };
    await expect(
      client.unlinkIdentity(request(), { deadline: never(), idempotencyKey: 'operation-1' }),
    ).rejects.toMatchObject(lost);
  });

  test('is sent once, whatever the response', async () => {
    for (const reply of [500, 503, 429, 401, { statusCode: 500 }, { statusCode: 401, apiCode: 1306 }]) {
      stub.requests.length = 0;
      stub.reply = () => reply;
      await expect(
        client.unlinkIdentity(request(), { deadline: never(), idempotencyKey: 'operation-1' }),
      ).rejects.toThrow();
      expect(stub.requests).toHaveLength(1);
    }
  });
});

describe('getUserBatch', () => {
  /** The result of each user, with identities as objects. */
  const objectsOf = (found: Awaited<ReturnType<ManagementClient['getUserBatch']>>): [string, unknown][] =>
    [...found].map(([userId, result]) => [
      userId,
      result instanceof UserRecord ? (result.identities?.toArray() ?? null) : result,
    ]);

  const user = (userId: unknown, identities: unknown = []): Record<string, unknown> => ({ userId, identities });

  test('requests all users with one call, with the list syntax of the SDK', async () => {
    answer([]);
    await client.getUserBatch([id(USER), id(OTHER)], { deadline: never() });
    expect(stub.requests).toMatchObject([
      {
        route: 'GET /api/v3/get-user-batch',
        query: `userIds%5B%5D=${USER}&userIds%5B%5D=${OTHER}&withIdentities=true`,
        body: '',
      },
    ]);
  });

  test('matches rows by their id, not by position: the first row of a user counts, and other users are ignored', async () => {
    answer([
      user('6229ffaa00000000000000ff', [ROW]),
      user(OTHER, [ROW]),
      null,
      'row',
      [user(USER)],
      user(undefined),
      user([USER], [ROW, ROW]),
      user(USER, []),
      user(OTHER, []),
    ]);
    const found = await client.getUserBatch([id(USER), id(OTHER), id('6229ffaa0000000000000003')], {
      deadline: never(),
    });
    expect(objectsOf(found)).toEqual([
      [OTHER, [IDENTITY]],
      [USER, []],
      // A row of another user does not show that a requested user does not exist.
      ['6229ffaa0000000000000003', expect.objectContaining({ reason: 'mismatch', sent: 'maybe' })],
    ]);
  });

  test('treats a user without a row as unknown where all rows are of requested users', async () => {
    answer([user(USER, [])]);
    expect([...(await client.getUserBatch([id(USER), id(OTHER)], { deadline: never() })).keys()]).toEqual([USER]);
  });

  test.each([undefined, null])('treats a user whose identities are %s as one without any', async (identities) => {
    answer([{ userId: USER, identities }]);
    const found = await client.getUserBatch([id(USER)], { deadline: never() });
    expect(objectsOf(found)).toEqual([[USER, []]]);
  });

  test.each<[string, unknown]>([
    ['an identity that cannot be read', [{ ...ROW, identityId: null }]],
    ['identities that are no list', { 0: ROW }],
    ['identities that are a text without JSON', 'text'],
  ])('%s affects that user only', async (_title, identities) => {
    answer([user(USER, identities), user(OTHER, [ROW])]);
    const found = await client.getUserBatch([id(USER), id(OTHER)], { deadline: never() });
    expect(new Map(objectsOf(found)).get(OTHER)).toEqual([IDENTITY]);
    expect(new Map(objectsOf(found)).get(USER)).toBeNull();
  });

  test('accepts ids that are names of object properties', async () => {
    client = stub.client({ idPattern: '.*' });
    stub.reply = () => JSON.parse(`{"statusCode":200,"data":[{"userId":"__proto__","identities":[]}]}`) as Reply;
    const found = await client.getUserBatch([id('__proto__'), id('constructor')], { deadline: never() });
    expect(objectsOf(found)).toEqual([['__proto__', []]]);
  });

  test.each([undefined, null, {}, 'users', user(USER)])('fails as a whole when the data is %j', async (data) => {
    answer(data);
    await expect(client.getUserBatch([id(USER)], { deadline: never() })).rejects.toMatchObject({
      reason: 'shape',
      sent: 'maybe',
    });
  });

  test('accepts at most 50 ids', async () => {
    answer([]);
    const ids = Array.from({ length: 51 }, (_value, index) => id(index.toString(16).padStart(24, '0')));
    await expect(client.getUserBatch(ids, { deadline: never() })).rejects.toThrow(RangeError);
    expect(stub.requests).toHaveLength(0);
    await client.getUserBatch(ids.slice(1), { deadline: never() });
    expect(stub.requests[0]?.query.split('&')).toHaveLength(51);
  });

  test('waits for no turn of its own where it is given one', async () => {
    client = stub.client({ maxConcurrency: 1 });
    answer([]);
    const turn = await client.awaitBatchTurn({ deadline: never() });
    await client.getUserBatch([id(USER)], { deadline: never(), turn });
    await client.getUserBatch([id(OTHER)], { deadline: never() });
    expect(stub.requests).toHaveLength(2);
  });

  test('sends nothing where a turn is released, and makes room for the next call', async () => {
    client = stub.client({ maxConcurrency: 1 });
    answer([]);
    const turn = await client.awaitBatchTurn({ deadline: never() });
    const call = client.getUserBatch([id(USER)], { deadline: never() });
    expect(client.gauges.waitingCalls).toBe(1);
    turn.release();
    turn.release();
    await call;
    expect(stub.requests).toHaveLength(1);
  });

  test('retries with the same users where the first response was lost', async () => {
    const replies: Reply[] = [503, { statusCode: 200, data: [user(USER, [ROW])] }];
    stub.reply = () => replies.shift() ?? 500;
    const found = await client.getUserBatch([id(USER)], { deadline: never() });
    expect(objectsOf(found)).toEqual([[USER, [IDENTITY]]]);
    expect(stub.requests[1]?.query).toBe(stub.first().query);
  });
});
