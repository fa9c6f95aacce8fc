import { type Emulator, startEmulator } from '../../src/emulator';
import { send, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

function ask(accessKey: Record<string, unknown>) {
  return send({
    url: `${emulator.url}/api/v3/get-management-token`,
    init: { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(accessKey) },
  });
}

async function fetchToken(): Promise<string> {
  const { accessKeyId, accessKeySecret } = emulator;
  const { body } = await ask({ accessKeyId, accessKeySecret });
  return (body.data as { access_token: string }).access_token;
}

function read(headers: Record<string, string>) {
  const url = `${emulator.url}/api/v3/get-user-identities?userId=${ZHANG_SAN}`;
  return send({ url, init: { method: 'GET', headers } });
}

function pool(brand = 'authing', id = emulator.userPoolId) {
  return { [`x-${brand}-userpool-id`]: id };
}

const REFUSED = { statusCode: 401, apiCode: 2020 };

describe('get-management-token', () => {
  test('returns a token for two hours that names the user pool', async () => {
    const { accessKeyId, accessKeySecret, userPoolId } = emulator;
    const { status, body } = await ask({ accessKeyId, accessKeySecret });
    const data = body.data as { access_token: string; expires_in: number };
    expect([status, body.statusCode, data.expires_in]).toEqual([200, 200, 7200]);
    const claims = JSON.parse(Buffer.from(data.access_token.split('.')[1] ?? '', 'base64url').toString()) as {
      iat: number;
      exp: number;
    };
    expect(claims).toMatchObject({ scoped_userpool_id: userPoolId, access_key_id: accessKeyId });
    expect(claims.exp - claims.iat).toBe(7200);
  });

  test('does not record the secret in calls', async () => {
    await fetchToken();
    expect(emulator.calls).toMatchObject([{ data: { accessKeyId: emulator.accessKeyId }, executed: true }]);
    expect(JSON.stringify(emulator.calls)).not.toContain(emulator.accessKeySecret);
  });

  test('refuses a wrong key with 401, or with 403 when wrongKey says so', async () => {
    const wrong = { accessKeyId: emulator.accessKeyId, accessKeySecret: 'not it' };
    expect((await ask(wrong)).body).toMatchObject(REFUSED);
    emulator.switches.wrongKey = '403';
    expect((await ask(wrong)).body).toMatchObject({ statusCode: 403, apiCode: 2333 });
    expect(emulator.calls).toMatchObject([{ executed: false }, { executed: false }]);
  });

  test.each(['accessKeyId', 'accessKeySecret'])('refuses a request without %s', async (field) => {
    const { accessKeyId, accessKeySecret } = emulator;
    const { body } = await ask({ accessKeyId, accessKeySecret, [field]: undefined });
    expect(body).toMatchObject({ statusCode: 400, message: `参数 ${field} 格式错误` });
  });
});

describe('a management token', () => {
  test.each(['authing', 'genauth'])('is accepted with the user pool header of %s', async (brand) => {
    const { body } = await read({ authorization: `Bearer ${await fetchToken()}`, ...pool(brand) });
    expect(body.statusCode).toBe(200);
    expect(body.data).toHaveLength(3);
  });

  test('is accepted more than once', async () => {
    const headers = { authorization: `Bearer ${await fetchToken()}`, ...pool() };
    await read(headers);
    expect((await read(headers)).body.statusCode).toBe(200);
  });

  test('is accepted without "Bearer ", unless rawToken says otherwise', async () => {
    const headers = { authorization: await fetchToken(), ...pool() };
    expect((await read(headers)).body.statusCode).toBe(200);
    emulator.switches.rawToken = 'refuse';
    expect((await read(headers)).body).toMatchObject(REFUSED);
  });

  test('is refused without a user pool header, unless userPoolHeader is none', async () => {
    const headers = { authorization: `Bearer ${await fetchToken()}` };
    expect((await read(headers)).body).toMatchObject(REFUSED);
    emulator.switches.userPoolHeader = 'none';
    expect((await read(headers)).body.statusCode).toBe(200);
  });

  test('is refused with the header of the brand that userPoolHeader leaves out', async () => {
    emulator.switches.userPoolHeader = 'genauth';
    const authorization = `Bearer ${await fetchToken()}`;
    expect((await read({ authorization, ...pool('authing') })).body).toMatchObject(REFUSED);
    expect((await read({ authorization, ...pool('genauth') })).body.statusCode).toBe(200);
  });

  test.each(['either', 'none'] as const)(
    'is refused with the id of another user pool when userPoolHeader is %s',
    async (value) => {
      emulator.switches.userPoolHeader = value;
      const headers = { authorization: `Bearer ${await fetchToken()}`, ...pool('authing', 'f'.repeat(24)) };
      expect((await read(headers)).body).toMatchObject(REFUSED);
    },
  );

  test('is refused after tokenLifeSeconds', async () => {
    emulator.switches.tokenLifeSeconds = 60;
    const headers = { authorization: `Bearer ${await fetchToken()}`, ...pool() };
    expect((await read(headers)).body.statusCode).toBe(200);
    emulator.switches.clockOffsetMs = 61_000;
    expect((await read(headers)).body).toMatchObject(REFUSED);
  });

  test('stays valid after the next one is issued, unless validTokens is newest', async () => {
    const first = { authorization: `Bearer ${await fetchToken()}`, ...pool() };
    const second = { authorization: `Bearer ${await fetchToken()}`, ...pool() };
    expect((await read(first)).body.statusCode).toBe(200);
    emulator.switches.validTokens = 'newest';
    expect((await read(first)).body).toMatchObject(REFUSED);
    expect((await read(second)).body.statusCode).toBe(200);
  });

  test('is refused if it was changed or another emulator issued it', async () => {
    const token = await fetchToken();
    const [header, payload, signature = ''] = token.split('.');
    const other = Buffer.from('{"exp":9999999999}').toString('base64url');
    const flipped = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1);
    for (const forged of [`${header}.${payload}.${flipped}`, `${header}.${other}.${signature}`, `${token}.x`, 'x']) {
      expect((await read({ authorization: `Bearer ${forged}`, ...pool() })).body).toMatchObject(REFUSED);
    }
    const { accessKeyId, accessKeySecret } = emulator;
    const twin = await startEmulator({ accessKey: { accessKeyId, accessKeySecret } });
    const response = await fetch(`${twin.url}/api/v3/get-user-identities?userId=${ZHANG_SAN}`, {
      headers: { authorization: `Bearer ${token}`, ...pool() },
    });
    expect(await response.json()).toMatchObject(REFUSED);
    await twin.close();
  });

  test('that is missing gets 401 in the envelope, or HTTP 401 when unauthorizedAs says so', async () => {
    const inBody = await read({});
    expect([inBody.status, inBody.body.statusCode, inBody.body.apiCode]).toEqual([200, 401, 2020]);
    emulator.switches.unauthorizedAs = 'http';
    const asHttp = await read({});
    expect([asHttp.status, asHttp.body.statusCode, asHttp.body.apiCode]).toEqual([401, 401, 2020]);
  });
});
