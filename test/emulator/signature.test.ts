import { type Emulator, startEmulator } from '../../src/emulator';
import { call, send, signedRequest, type Signing, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

const WRONG_METHOD = { 'x-genauth-signature-method': 'HMAC-SHA256' };
const WRONG_VERSION = { 'x-genauth-signature-version': '2.0' };
const NO_DATE = { date: null };
const BAD_DATE = { date: '2025-01-06T08:00:00.000Z' };
const OLD_DATE = { date: 'Mon, 06 Jan 2025 08:00:00 GMT' };

function read(signing?: Signing) {
  return call(emulator, 'get-user-identities', { userId: ZHANG_SAN }, signing);
}

function wrongSecret() {
  return { accessKeyId: emulator.accessKeyId, accessKeySecret: 'not it' };
}

describe('a signed request', () => {
  test.each(['genauth', 'authing'] as const)('is accepted with the scheme and headers of %s', async (brand) => {
    const { status, body } = await read({ brand });
    expect([status, body.statusCode, body.apiCode]).toEqual([200, 200, undefined]);
    expect(body.data).toHaveLength(3);
    expect(emulator.calls).toMatchObject([
      { route: 'GET /api/v3/get-user-identities', userIds: [ZHANG_SAN], authenticated: true, executed: true },
    ]);
  });

  test('can have its date as epoch milliseconds', async () => {
    expect((await read({ headers: { date: String(Date.now()) } })).body.statusCode).toBe(200);
  });

  test('can have its date in the header that the C# SDK uses', async () => {
    const headers = { date: null, 'x-authing-date': String(Date.now()) };
    expect((await read({ brand: 'authing', headers })).body.statusCode).toBe(200);
  });

  test('is signed over values before they are percent-encoded', async () => {
    const { body } = await call(emulator, 'get-user', { userId: '张三 a&b=c', userIdType: 'username' });
    expect([body.statusCode, body.apiCode]).toEqual([404, 2004]);
  });

  test('is signed over a nested body as JSON', async () => {
    const { body } = await call(emulator, 'list-users', { options: { pagination: { page: 1, limit: 2 } } });
    expect(body.statusCode).toBe(200);
  });

  test.each<[number, string, Signing['headers']]>([
    [1301, 'another method', WRONG_METHOD],
    [1301, 'no method', { 'x-genauth-signature-method': null }],
    [1302, 'another version', WRONG_VERSION],
    [1304, 'no date', NO_DATE],
    [1303, 'an ISO date', BAD_DATE],
    [1305, 'a date of last year', OLD_DATE],
  ])('is refused with %i for %s', async (apiCode, _name, headers) => {
    const { status, body } = await read({ headers: headers ?? {} });
    expect([status, body.statusCode, body.apiCode]).toEqual([200, 401, apiCode]);
    expect(emulator.calls).toMatchObject([
      { authenticated: false, executed: false, outcome: { statusCode: 401, apiCode } },
    ]);
  });

  test.each<[number, Signing['headers']]>([
    [1301, { ...WRONG_METHOD, ...WRONG_VERSION, ...NO_DATE }],
    [1302, { ...WRONG_VERSION, ...NO_DATE }],
    [1304, NO_DATE],
    [1303, BAD_DATE],
    [1305, OLD_DATE],
    [1300, {}],
  ])('with several things wrong is refused for the first of them, %i', async (apiCode, headers) => {
    const { body } = await read({ key: wrongSecret(), headers: headers ?? {} });
    expect(body.apiCode).toBe(apiCode);
  });

  test.each<[string, Signing]>([
    ['an unknown access key', { key: { accessKeyId: 'f'.repeat(24), accessKeySecret: 'x' } }],
    ['another path', { signed: { path: '/api/v3/get-user' } }],
    ['other parameters', { signed: { data: { userId: 'another' } } }],
    ['a method in lower case', { signed: { method: 'get' } }],
  ])('is refused with 1300 when it was signed for %s', async (_name, signing) => {
    expect((await read(signing)).body).toMatchObject({ statusCode: 401, apiCode: 1300 });
  });

  test('is refused with 1306 when it arrives a second time', async () => {
    const request = signedRequest(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    expect((await send(request)).body.statusCode).toBe(200);
    expect((await send(request)).body).toMatchObject({ statusCode: 401, apiCode: 1306 });
  });

  test('does not use up its signature when it is refused', async () => {
    emulator.switches.clockOffsetMs = 3_600_000;
    const request = signedRequest(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    expect((await send(request)).body.apiCode).toBe(1305);
    emulator.switches.clockOffsetMs = 0;
    expect((await send(request)).body.statusCode).toBe(200);
  });
});

describe('the switches of signatures', () => {
  test('nonceMemoryMs 0 accepts a signature again', async () => {
    emulator.switches.nonceMemoryMs = 0;
    const request = signedRequest(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    await send(request);
    expect((await send(request)).body.statusCode).toBe(200);
  });

  test('a signature is forgotten after nonceMemoryMs', async () => {
    emulator.switches.nonceMemoryMs = 60_000;
    const request = signedRequest(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    await send(request);
    emulator.switches.clockOffsetMs = 61_000;
    expect((await send(request)).body.statusCode).toBe(200);
  });

  test('skewWindowMs is the difference that a date may have', async () => {
    emulator.switches.skewWindowMs = Infinity;
    expect((await read({ headers: OLD_DATE })).body.statusCode).toBe(200);
  });

  test('clockOffsetMs moves the clock for date checks and for the Date header', async () => {
    emulator.switches.clockOffsetMs = -3_600_000;
    const { body, headers } = await read();
    expect(body.apiCode).toBe(1305);
    expect(Date.now() - Date.parse(headers.get('date') ?? '')).toBeGreaterThan(3_000_000);
    const inItsTime = new Date(Date.now() - 3_600_000).toUTCString();
    expect((await read({ headers: { date: inItsTime } })).body.statusCode).toBe(200);
  });

  test('signatureStatusCode is the statusCode of every refused signature', async () => {
    emulator.switches.signatureStatusCode = 403;
    expect((await read({ key: wrongSecret() })).body).toMatchObject({ statusCode: 403, apiCode: 1300 });
    expect((await read({ headers: NO_DATE })).body).toMatchObject({ statusCode: 403, apiCode: 1304 });
  });

  test('unauthorizedAs http turns an envelope of 401 into HTTP 401', async () => {
    emulator.switches.unauthorizedAs = 'http';
    const { status, body } = await read({ key: wrongSecret() });
    expect([status, body.statusCode, body.apiCode]).toEqual([401, 401, 1300]);
  });

  test('signatureBrand accepts only one brand', async () => {
    emulator.switches.signatureBrand = 'authing';
    expect((await read({ brand: 'genauth' })).body).toMatchObject({ statusCode: 401, apiCode: 2020 });
    expect((await read({ brand: 'authing' })).body.statusCode).toBe(200);
  });

  test('dateFormat accepts only one form', async () => {
    emulator.switches.dateFormat = 'ms';
    expect((await read()).body.apiCode).toBe(1303);
    expect((await read({ headers: { date: String(Date.now()) } })).body.statusCode).toBe(200);
    emulator.switches.dateFormat = 'utc';
    expect((await read({ headers: { date: String(Date.now()) } })).body.apiCode).toBe(1303);
  });

  test('trailingQuestionMark accepts or refuses a "?" that was signed but not sent', async () => {
    const signing = { signed: { path: '/api/v3/list-ext-idp?' } };
    expect((await call(emulator, 'list-ext-idp', {}, signing)).body.statusCode).toBe(200);
    emulator.switches.trailingQuestionMark = 'refuse';
    expect((await call(emulator, 'list-ext-idp', {}, signing)).body.apiCode).toBe(1300);
    expect((await call(emulator, 'list-ext-idp', {})).body.statusCode).toBe(200);
  });
});
