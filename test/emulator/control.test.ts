import { networkInterfaces } from 'node:os';
import { type Emulator, startEmulator } from '../../src/emulator';
import { ADA, call, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

async function control(method: string, path: string, body?: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${emulator.url}/emulator/${path}`, {
    method,
    ...(body === undefined ? {} : { body: text }),
  });
  return { status: response.status, body: await response.json() };
}

async function statusCodeOf(name: string): Promise<number> {
  return (await call(emulator, name, { userId: ZHANG_SAN })).body.statusCode;
}

describe('the control surface', () => {
  test('sets, shows and clears faults', async () => {
    expect(await control('GET', 'faults')).toEqual({ status: 200, body: {} });
    const set = await control('PUT', 'faults', {
      'get-user': 'envelope-503',
      'get-user-identities': [{ fault: 'envelope-500', times: 2, probability: 1 }],
    });
    const shown = {
      'GET /api/v3/get-user': [{ fault: 'envelope-503' }],
      'GET /api/v3/get-user-identities': [{ fault: 'envelope-500', times: 2, probability: 1 }],
    };
    expect(set).toEqual({ status: 200, body: shown });
    expect([await statusCodeOf('get-user'), await statusCodeOf('get-user-identities')]).toEqual([503, 500]);
    const left = await control('PUT', 'faults', { 'get-user': null });
    expect(left.body).toEqual({
      'GET /api/v3/get-user-identities': [{ fault: 'envelope-500', times: 1, probability: 1 }],
    });
    expect(await statusCodeOf('get-user')).toBe(200);
    expect(await control('DELETE', 'faults')).toEqual({ status: 200, body: {} });
    expect(await statusCodeOf('get-user-identities')).toBe(200);
  });

  test('sets and shows faults for one user', async () => {
    await control('PUT', 'faults', { 'get-user': { fault: 'envelope-500', userId: ADA } });
    expect((await control('GET', 'faults')).body).toEqual({
      'GET /api/v3/get-user': [{ fault: 'envelope-500', userId: ADA }],
    });
    expect(await statusCodeOf('get-user')).toBe(200);
    expect((await call(emulator, 'get-user', { userId: ADA })).body.statusCode).toBe(500);
  });

  test('sets and shows switches', async () => {
    expect((await control('GET', 'switches')).body).toMatchObject({ unlinkMissing: 'success', qps: 300 });
    const set = await control('PUT', 'switches', { unlinkMissing: '404', qps: 5 });
    expect(set.body).toMatchObject({ unlinkMissing: '404', qps: 5, batchUnknown: 'omit' });
    expect(emulator.switches).toMatchObject({ unlinkMissing: '404', qps: 5 });
  });

  test.each([
    ['faults', { 'get-user': 'boom' }, 'unknown fault "boom"'],
    ['faults', { elsewhere: 'empty' }, 'unknown route "elsewhere"'],
    ['faults', { 'get-user': 7 }, 'a fault is a text'],
    ['faults', { 'get-user': { fault: 'empty', times: -1 } }, '"times"'],
    ['faults', { 'get-user': { fault: 'empty', times: '3' } }, '"times"'],
    ['faults', { 'get-user': { fault: 'empty', probability: 'often' } }, '"probability"'],
    ['faults', { 'get-user': { fault: 'empty', userId: 7 } }, '"userId"'],
    ['faults', { 'get-user': 'empty', elsewhere: 'empty' }, 'unknown route "elsewhere"'],
    ['faults', '{', 'must be a JSON object'],
    ['faults', [], 'must be a JSON object'],
    ['switches', { elsewhere: 1 }, 'unknown switch "elsewhere"'],
    ['switches', { unlinkMissing: 'maybe' }, 'success | success-false | 404 | 422'],
    ['switches', { qps: -1 }, 'a number from 0'],
    ['switches', { qps: 9, unlinkMissing: 'maybe' }, '"unlinkMissing"'],
  ])('refuses %s %j and changes nothing', async (path, body, message) => {
    const before = { ...emulator.switches };
    const refused = await control('PUT', path, body);
    expect(refused.status).toBe(400);
    expect((refused.body as { error: string }).error).toContain(message);
    expect(emulator.faults.list()).toEqual({});
    expect(emulator.switches).toEqual(before);
  });

  test('has no other operations, and its requests are not recorded as calls', async () => {
    for (const [method, path] of [
      ['GET', 'users'],
      ['POST', 'faults'],
      ['DELETE', 'switches'],
    ] as const) {
      expect((await control(method, path)).status).toBe(404);
    }
    expect(emulator.calls).toEqual([]);
  });

  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');

  test('is closed to other machines', async () => {
    // A machine without a network has no address that counts as another machine's.
    if (outward === undefined) return;
    await emulator.close();
    emulator = await startEmulator({ host: '0.0.0.0' });
    const { port } = new URL(emulator.url);
    const from = (host: string) => fetch(`http://${host}:${port}/emulator/faults`);
    expect((await from(outward.address)).status).toBe(403);
    expect((await from('127.0.0.1')).status).toBe(200);
  });
});
