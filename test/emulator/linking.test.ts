import { type Emulator, startEmulator, type Switches } from '../../src/emulator';
import {
  ADA,
  call,
  GITHUB,
  GOOGLE,
  GRACE,
  LI_SI,
  UNKNOWN_ID,
  send,
  sign,
  WANG_FANG,
  WECHAT,
  ZHANG_SAN,
} from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

function unlink(data: Record<string, unknown>) {
  return call(emulator, 'unlink-identity', data);
}

function linked(userId: string): string[] {
  return emulator.store.identitiesOf(userId).map(({ provider, type }) => `${provider} ${type}`);
}

describe('unlink-identity', () => {
  test('removes every row of the source', async () => {
    const { status, body } = await unlink({ userId: ZHANG_SAN, extIdpId: WECHAT });
    expect(status).toBe(200);
    expect(body).toEqual({
      statusCode: 200,
      message: 'Operation successful',
      requestId: body.requestId,
      data: { success: true },
    });
    expect(linked(ZHANG_SAN)).toEqual(['github generic']);
    expect(emulator.store.executions).toMatchObject([{ userId: ZHANG_SAN, extIdpId: WECHAT, type: null, removed: 2 }]);
  });

  test('with a type removes only the rows of that type', async () => {
    await unlink({ userId: ZHANG_SAN, extIdpId: WECHAT, type: 'openid', isSocial: false });
    expect(linked(ZHANG_SAN)).toEqual(['wechat unionid', 'github generic']);
    expect(emulator.store.executions).toMatchObject([{ type: 'openid', removed: 1 }]);
  });

  test('without a type removes generic rows alone when unlinkTypeDefault is generic', async () => {
    emulator.switches.unlinkTypeDefault = 'generic';
    await unlink({ userId: ZHANG_SAN, extIdpId: WECHAT });
    expect(linked(ZHANG_SAN)).toHaveLength(3);
    await unlink({ userId: ZHANG_SAN, extIdpId: GITHUB });
    expect(linked(ZHANG_SAN)).toEqual(['wechat openid', 'wechat unionid']);
    expect(emulator.store.executions).toMatchObject([{ removed: 0 }, { removed: 1 }]);
  });

  test.each<[Switches['unlinkMissing'], object, number]>([
    ['success', { statusCode: 200, data: { success: true } }, 1],
    ['success-false', { statusCode: 200, data: { success: false } }, 0],
    ['404', { statusCode: 404 }, 0],
    ['422', { statusCode: 422, apiCode: 2216 }, 0],
  ])('of an identity that is not linked responds as unlinkMissing %s says', async (value, answer, executions) => {
    emulator.switches.unlinkMissing = value;
    expect((await unlink({ userId: WANG_FANG, extIdpId: WECHAT })).body).toMatchObject(answer);
    expect(emulator.store.executions).toHaveLength(executions);
  });

  test('of the last identity of a user without a password is refused when lastIdentityGuard is on', async () => {
    emulator.switches.lastIdentityGuard = '422';
    const { body } = await unlink({ userId: GRACE, extIdpId: GOOGLE });
    expect(body).toMatchObject({ statusCode: 422, apiCode: 2217 });
    expect(linked(GRACE)).toEqual(['google generic']);
    // A password or another identity is another way to sign in.
    for (const target of [
      { userId: ADA, extIdpId: GITHUB },
      { userId: ADA, extIdpId: GOOGLE },
    ]) {
      expect((await unlink(target)).body.statusCode).toBe(200);
    }
    expect(
      (await unlink({ userId: LI_SI, extIdpId: '62f20932716fbcc10d966ee8', type: 'user_id' })).body.statusCode,
    ).toBe(200);
    emulator.switches.lastIdentityGuard = 'off';
    expect((await unlink({ userId: GRACE, extIdpId: GOOGLE })).body.statusCode).toBe(200);
    expect(linked(GRACE)).toEqual([]);
  });

  test.each([
    ['userId', { extIdpId: WECHAT }],
    ['userId', { userId: 7, extIdpId: WECHAT }],
    ['extIdpId', { userId: ZHANG_SAN }],
    ['extIdpId', { userId: ZHANG_SAN, extIdpId: '' }],
    ['type', { userId: ZHANG_SAN, extIdpId: WECHAT, type: '' }],
  ])('refuses a malformed %s in %j', async (field, data) => {
    expect((await unlink(data)).body).toMatchObject({ statusCode: 400, message: `Parameter ${field} is malformed` });
    expect(linked(ZHANG_SAN)).toHaveLength(3);
  });

  test('refuses an unknown user', async () => {
    expect((await unlink({ userId: UNKNOWN_ID, extIdpId: WECHAT })).body).toMatchObject({
      statusCode: 404,
      apiCode: 2004,
    });
    expect(emulator.calls).toMatchObject([{ authenticated: true, executed: false, outcome: { statusCode: 404 } }]);
  });

  test('refuses a body that is not a JSON object', async () => {
    const url = `${emulator.url}/api/v3/unlink-identity`;
    for (const body of ['{"userId"', '[]', 'null', '"text"']) {
      const headers = { ...sign({ method: 'POST', path: '/api/v3/unlink-identity', data: {} }, emulator) };
      const init = { method: 'POST' as const, headers: { ...headers, 'content-type': 'application/json' }, body };
      expect((await send({ url, init })).body).toMatchObject({ statusCode: 400 });
    }
    const init = {
      method: 'POST' as const,
      headers: { 'content-type': 'application/json' },
      body: 'x'.repeat(1_100_000),
    };
    expect((await send({ url, init })).body).toMatchObject({ statusCode: 413 });
  });
});

describe('link-identity', () => {
  const githubOfWang = { userId: WANG_FANG, extIdpId: GITHUB, userIdInIdp: '1024004' };

  test('links an identity, of type generic by default', async () => {
    const { body } = await call(emulator, 'link-identity', githubOfWang);
    expect(body.data).toEqual({ success: true });
    expect(emulator.store.identitiesOf(WANG_FANG)).toMatchObject([
      {
        extIdpId: GITHUB,
        provider: 'github',
        type: 'generic',
        userIdInIdp: '1024004',
        originConnIds: [expect.any(String)],
      },
    ]);
  });

  test('links an identity once, however often it is called', async () => {
    await call(emulator, 'link-identity', githubOfWang);
    expect((await call(emulator, 'link-identity', githubOfWang)).body.data).toEqual({ success: true });
    expect(linked(WANG_FANG)).toEqual(['github generic']);
  });

  test.each<[Switches['linkHeld'], object, number]>([
    ['success', { statusCode: 200, data: { success: true } }, 2],
    ['success-false', { statusCode: 200, data: { success: false } }, 1],
    ['409', { statusCode: 409 }, 1],
  ])('of an identity that the user holds responds as linkHeld %s says', async (value, response, executions) => {
    emulator.switches.linkHeld = value;
    await call(emulator, 'link-identity', githubOfWang);
    expect((await call(emulator, 'link-identity', githubOfWang)).body).toMatchObject(response);
    expect(linked(WANG_FANG)).toEqual(['github generic']);
    expect(emulator.store.linkExecutions.map(({ added }) => added)).toEqual([true, false].slice(0, executions));
  });

  test('links an identity that was unlinked, also to another user', async () => {
    await unlink({ userId: ZHANG_SAN, extIdpId: GITHUB });
    const { body } = await call(emulator, 'link-identity', { ...githubOfWang, userIdInIdp: '1024001' });
    expect(body.statusCode).toBe(200);
    expect(linked(WANG_FANG)).toEqual(['github generic']);
  });

  test('of an identity of another user responds as linkTaken says', async () => {
    const taken = { userId: WANG_FANG, extIdpId: GITHUB, userIdInIdp: '1024001' };
    expect((await call(emulator, 'link-identity', taken)).body.statusCode).toBe(409);
    emulator.switches.linkTaken = '422';
    expect((await call(emulator, 'link-identity', taken)).body).toMatchObject({ statusCode: 422, apiCode: 2215 });
    expect(linked(WANG_FANG)).toEqual([]);
    emulator.switches.linkTaken = 'move';
    expect((await call(emulator, 'link-identity', taken)).body.data).toEqual({ success: true });
    expect(linked(WANG_FANG)).toEqual(['github generic']);
    expect(linked(ZHANG_SAN)).toEqual(['wechat openid', 'wechat unionid']);
  });

  test.each([
    [404, { ...githubOfWang, userId: UNKNOWN_ID }],
    [404, { ...githubOfWang, extIdpId: UNKNOWN_ID }],
    [400, { userId: WANG_FANG, extIdpId: GITHUB }],
  ])('is refused with %i for %j', async (statusCode, data) => {
    expect((await call(emulator, 'link-identity', data)).body.statusCode).toBe(statusCode);
  });
});
