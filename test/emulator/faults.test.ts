import { gunzipSync } from 'node:zlib';
import { type Call, type Emulator, type Fault, startEmulator } from '../../src/emulator';
import { unlinkOverSocket } from './bareSocket';
import { call, LI_SI, signedRequest, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

const TARGET = { userId: ZHANG_SAN, extIdpId: WECHAT };

function remaining(): number {
  return emulator.store.identitiesOf(ZHANG_SAN).length;
}

function unlinkRaw(giveUp?: (emulator: Emulator) => Promise<void>) {
  return unlinkOverSocket(emulator, TARGET, giveUp);
}

/** Waits until a condition holds, however slow the machine is. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const whenExecuted = ({ store }: Emulator) => until(() => store.executions.length > 0);
const whenAuthenticated = (arrived: Emulator) => until(() => arrived.calls.at(-1)?.authenticated === true);

/** Checks the records of the only unlink. */
function expectRecord(fault: Fault, executed: boolean, outcome: Call['outcome']): void {
  expect(emulator.calls).toHaveLength(1);
  expect(emulator.calls).toMatchObject([{ route: 'POST /api/v3/unlink-identity', fault, executed, outcome }]);
  expect(emulator.store.executions).toHaveLength(executed ? 1 : 0);
  expect(remaining()).toBe(executed ? 1 : 3);
}

const OK = { httpStatus: 200, statusCode: 200, apiCode: null };

describe('a fault that does not execute', () => {
  test.each<[Fault, number]>([
    ['http-502', 502],
    ['http-503', 503],
    ['http-404', 404],
  ])('%s responds with an HTML page', async (fault, status) => {
    emulator.faults.set('unlink-identity', fault);
    const { head, body } = await unlinkRaw();
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('content-type: text/html');
    expect(body.toString()).toContain(`<h1>${status}</h1>`);
    expectRecord(fault, false, { httpStatus: status, statusCode: null, apiCode: null });
  });

  test.each<[Fault, string | null]>([
    ['http-429', null],
    ['http-429:3', '3'],
    ['http-429:Mon, 06 Jan 2025 08:00:00 GMT', 'Mon, 06 Jan 2025 08:00:00 GMT'],
  ])('%s responds with the documented body', async (fault, retryAfter) => {
    emulator.faults.set('unlink-identity', fault);
    const { status, headers, body } = await call(emulator, 'unlink-identity', TARGET);
    expect([status, body.statusCode, headers.get('retry-after')]).toEqual([429, 429, retryAfter]);
    expectRecord(fault, false, { httpStatus: 429, statusCode: 429, apiCode: null });
  });

  test.each<[Fault, number, number | null]>([
    ['envelope-500', 500, null],
    ['envelope-429', 429, null],
    ['envelope-401/1305', 401, 1305],
    ['envelope-602', 602, null],
  ])('%s responds with HTTP 200 and these codes in the envelope', async (fault, statusCode, apiCode) => {
    emulator.faults.set('unlink-identity', fault);
    const { status, body } = await call(emulator, 'unlink-identity', TARGET);
    expect([status, body.statusCode, body.apiCode ?? null]).toEqual([200, statusCode, apiCode]);
    expectRecord(fault, false, { httpStatus: 200, statusCode, apiCode });
  });

  test('route-missing responds like a server that has no such route', async () => {
    emulator.faults.set('unlink-identity', 'route-missing');
    const { status, body } = await call(emulator, 'unlink-identity', TARGET);
    expect(status).toBe(404);
    expect(body).toEqual({ statusCode: 404, message: 'Cannot POST /api/v3/unlink-identity', error: 'Not Found' });
    expectRecord('route-missing', false, { httpStatus: 404, statusCode: 404, apiCode: null });
  });

  test('success-false is an envelope of 200 with success false', async () => {
    emulator.faults.set('unlink-identity', 'success-false');
    const { body } = await call(emulator, 'unlink-identity', TARGET);
    expect(body).toMatchObject({ statusCode: 200, data: { success: false } });
    expectRecord('success-false', false, OK);
  });

  test('redirect points to another path', async () => {
    emulator.faults.set('unlink-identity', 'redirect');
    const { head } = await unlinkRaw();
    expect(head).toContain('HTTP/1.1 307 ');
    expect(head).toContain('location: /api/v3/redirected');
    expectRecord('redirect', false, { httpStatus: 307, statusCode: null, apiCode: null });
  });

  test.each<[Fault, boolean]>([
    ['reset-before-read', false],
    ['reset-before-execute', true],
  ])('%s resets the connection', async (fault, authenticated) => {
    emulator.faults.set('unlink-identity', fault);
    const { head, body, end } = await unlinkRaw();
    expect([head, body.length, end]).toEqual(['', 0, 'reset']);
    expectRecord(fault, false, null);
    expect(emulator.calls).toMatchObject([{ authenticated, data: authenticated ? TARGET : {} }]);
  });

  test('hang-before-execute sends no response', async () => {
    emulator.faults.set('unlink-identity', 'hang-before-execute');
    const { head, end } = await unlinkRaw(whenAuthenticated);
    expect([head, end]).toEqual(['', 'still open']);
    expectRecord('hang-before-execute', false, null);
  });

  test('takes effect before authentication', async () => {
    emulator.faults.set('unlink-identity', 'http-502');
    const response = await fetch(`${emulator.url}/api/v3/unlink-identity`, { method: 'POST' });
    expect(response.status).toBe(502);
    await response.text();
    expect(emulator.calls).toMatchObject([{ authenticated: false }]);
  });
});

describe('a fault that executes', () => {
  test('reset-after-execute resets the connection', async () => {
    emulator.faults.set('unlink-identity', 'reset-after-execute');
    const { head, end } = await unlinkRaw();
    expect([head, end]).toEqual(['', 'reset']);
    expectRecord('reset-after-execute', true, null);
  });

  test('half-close ends the connection', async () => {
    emulator.faults.set('unlink-identity', 'half-close');
    const { head, end } = await unlinkRaw();
    expect([head, end]).toEqual(['', 'fin']);
    expectRecord('half-close', true, null);
  });

  test('hang-after-execute sends no response', async () => {
    emulator.faults.set('unlink-identity', 'hang-after-execute');
    const { head, end } = await unlinkRaw(whenExecuted);
    expect([head, end]).toEqual(['', 'still open']);
    expectRecord('hang-after-execute', true, null);
  });

  test('execute-late resets the connection and executes afterwards', async () => {
    emulator.faults.set('unlink-identity', 'execute-late:300');
    const { head, end } = await unlinkRaw();
    expect([head, end]).toEqual(['', 'reset']);
    await whenExecuted(emulator);
    expectRecord('execute-late:300', true, null);
  });

  test('garbage is not HTTP', async () => {
    emulator.faults.set('unlink-identity', 'garbage');
    const { head, end } = await unlinkRaw();
    expect(head).toContain('this is not HTTP');
    expect(end).toBe('fin');
    expectRecord('garbage', true, null);
  });

  test('latency delays the response, and combines with another fault', async () => {
    emulator.faults.set('unlink-identity', [{ fault: 'latency:60' }, { fault: 'empty' }]);
    const before = performance.now();
    const { body } = await unlinkRaw();
    // A timer may fire slightly early.
    expect(performance.now() - before).toBeGreaterThan(50);
    expect(body).toHaveLength(0);
    expectRecord('empty', true, OK);
  });

  test('drip sends the response in single bytes', async () => {
    emulator.faults.set('unlink-identity', 'drip:1');
    const { init, url } = signedRequest(emulator, 'unlink-identity', TARGET);
    const response = await fetch(url, init);
    const sizes: number[] = [];
    for await (const chunk of response.body ?? []) sizes.push((chunk as Uint8Array).length);
    expect(sizes.length).toBeGreaterThan(5);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(Number(response.headers.get('content-length')));
    expectRecord('drip:1', true, OK);
  });

  test('truncated-body ends before its declared length', async () => {
    emulator.faults.set('unlink-identity', 'truncated-body');
    const { head, body, end } = await unlinkRaw();
    const declared = Number(/content-length: (\d+)/.exec(head)?.[1]);
    expect(body.length).toBe(declared >> 1);
    expect(end).toBe('fin');
    expectRecord('truncated-body', true, OK);
  });

  test('truncated-json is a complete response with half of a JSON document', async () => {
    emulator.faults.set('unlink-identity', 'truncated-json');
    const { head, body } = await unlinkRaw();
    expect(Number(/content-length: (\d+)/.exec(head)?.[1])).toBe(body.length);
    expect(body.toString()).toMatch(/^\{"statusCode":200/);
    expect(() => JSON.parse(body.toString()) as unknown).toThrow(SyntaxError);
    expectRecord('truncated-json', true, OK);
  });

  test('not-json is an HTML page in HTTP 200', async () => {
    emulator.faults.set('unlink-identity', 'not-json');
    const { head, body } = await unlinkRaw();
    expect(head).toMatch(/HTTP\/1\.1 200 [\s\S]*content-type: text\/html/);
    expect(body.toString()).toMatch(/^<html>/);
    expectRecord('not-json', true, OK);
  });

  test('empty is HTTP 200 without a body', async () => {
    emulator.faults.set('unlink-identity', 'empty');
    const { head, body } = await unlinkRaw();
    expect(head).toContain('HTTP/1.1 200 ');
    expect(body).toHaveLength(0);
    expectRecord('empty', true, OK);
  });

  test('no-data is an envelope without data', async () => {
    emulator.faults.set('unlink-identity', 'no-data');
    const { body } = await call(emulator, 'unlink-identity', TARGET);
    expect(body.statusCode).toBe(200);
    expect(body).not.toHaveProperty('data');
    expectRecord('no-data', true, OK);
  });

  test('wrong-shape turns success into a text', async () => {
    emulator.faults.set('unlink-identity', 'wrong-shape');
    const { body } = await call(emulator, 'unlink-identity', TARGET);
    expect(body.data).toEqual({ success: 'true' });
    expectRecord('wrong-shape', true, OK);
  });

  test('wrong-shape turns lists into objects, and objects into lists', async () => {
    emulator.faults.set('*', 'wrong-shape');
    const rows = await call(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    expect(rows.body.data).toMatchObject({ provider: 'wechat' });
    const user = await call(emulator, 'get-user', { userId: ZHANG_SAN });
    expect(user.body.data).toMatchObject([{ userId: ZHANG_SAN }]);
  });

  test('gzip-anyway compresses the response', async () => {
    emulator.faults.set('unlink-identity', 'gzip-anyway');
    const { head, body } = await unlinkRaw();
    expect(head).toContain('content-encoding: gzip');
    expect(JSON.parse(gunzipSync(body).toString())).toMatchObject({ data: { success: true } });
    expectRecord('gzip-anyway', true, OK);
  });

  test('oversized is 16 MiB of a valid document', async () => {
    emulator.faults.set('unlink-identity', 'oversized');
    const { body } = await unlinkRaw();
    expect(body.length).toBeGreaterThan(16 * 1024 * 1024);
    expect(JSON.parse(body.toString())).toMatchObject({ data: { success: true } });
    expectRecord('oversized', true, OK);
  });

  test('user-mismatch returns another user', async () => {
    emulator.faults.set('*', 'user-mismatch');
    const user = (await call(emulator, 'get-user', { userId: ZHANG_SAN })).body.data as { userId: string };
    expect(user.userId).toMatch(/^6229ffa1/);
    expect(user.userId).not.toBe(ZHANG_SAN);
    const batch = await call(emulator, 'get-user-batch', { userIds: [ZHANG_SAN, LI_SI] });
    const ids = (batch.body.data as { userId: string }[]).map(({ userId }) => userId);
    expect(ids).toHaveLength(2);
    expect(ids).not.toContain(ZHANG_SAN);
    expect(ids).not.toContain(LI_SI);
    const rows = await call(emulator, 'get-user-identities', { userId: ZHANG_SAN });
    expect(rows.body.data).not.toEqual(emulator.store.identitiesOf(ZHANG_SAN));
  });

  test('user-mismatch does not affect writes', async () => {
    emulator.faults.set('*', 'user-mismatch');
    await call(emulator, 'unlink-identity', TARGET);
    expectRecord('user-mismatch', true, OK);
  });

  test('does not execute a request that is refused', async () => {
    emulator.faults.set('unlink-identity', 'reset-after-execute');
    const key = { accessKeyId: emulator.accessKeyId, accessKeySecret: 'not it' };
    await expect(call(emulator, 'unlink-identity', TARGET, { key })).rejects.toThrow('fetch failed');
    expectRecord('reset-after-execute', false, null);
  });
});
