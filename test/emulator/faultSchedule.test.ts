import { type Emulator, type Fault, startEmulator } from '../../src/emulator';
import { ADA, call, GITHUB, send, signedRequest, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

describe('faults', () => {
  const github = { userId: ZHANG_SAN, extIdpId: GITHUB };

  test('meet only their own route, by its full or its short name', async () => {
    emulator.faults.set('POST /api/v3/unlink-identity', 'envelope-500');
    expect((await call(emulator, 'get-user', { userId: ZHANG_SAN })).body.statusCode).toBe(200);
    expect((await call(emulator, 'unlink-identity', github)).body.statusCode).toBe(500);
    emulator.faults.clear('unlink-identity');
    expect((await call(emulator, 'unlink-identity', github)).body.statusCode).toBe(200);
  });

  test('meet the next n calls', async () => {
    emulator.faults.set('get-user', 'envelope-503', { times: 2 });
    const codes: number[] = [];
    for (let n = 0; n < 3; n++) codes.push((await call(emulator, 'get-user', { userId: ZHANG_SAN })).body.statusCode);
    expect(codes).toEqual([503, 503, 200]);
    expect(emulator.faults.list()).toEqual({});
  });

  test('take turns on one route', async () => {
    emulator.faults.set('get-user', [
      { fault: 'envelope-502', times: 1 },
      { fault: 'envelope-503', times: 1 },
    ]);
    const codes: number[] = [];
    for (let n = 0; n < 3; n++) codes.push((await call(emulator, 'get-user', { userId: ZHANG_SAN })).body.statusCode);
    expect(codes).toEqual([502, 503, 200]);
  });

  test('meet calls with their probability', async () => {
    const draws = [0.1, 0.9, 0.49, 0.5];
    const lucky = await startEmulator({
      random: () => draws.shift() ?? 0,
      faults: { '*': [{ fault: 'envelope-500', probability: 0.5 }] },
    });
    const codes: number[] = [];
    for (let n = 0; n < 4; n++) codes.push((await call(lucky, 'get-user', { userId: ZHANG_SAN })).body.statusCode);
    expect(codes).toEqual([500, 200, 500, 200]);
    await lucky.close();
  });

  test('can be cleared all at once', async () => {
    emulator.faults.set('*', 'envelope-500');
    emulator.faults.set('get-user', 'envelope-502');
    emulator.faults.clear();
    expect((await call(emulator, 'get-user', { userId: ZHANG_SAN })).body.statusCode).toBe(200);
  });

  test.each([
    'http-99',
    'http-700',
    'http-502/3',
    'latency',
    'latency:soon',
    'latency:-1',
    'drip:x',
    'empty:5',
    'envelope-20',
    'constructor',
    '',
  ])('that do not exist are refused: %s', (fault) => {
    expect(() => emulator.faults.set('get-user', fault as Fault)).toThrow(/^unknown fault ".*"; there are latency:MS/);
    expect(emulator.faults.list()).toEqual({});
  });

  test('are refused on a route that does not exist, or out of range', () => {
    expect(() => emulator.faults.set('identity', 'empty')).toThrow(/^unknown route "identity"; there are \*, /);
    expect(() => emulator.faults.set('get-user', 'empty', { times: 0 })).toThrow(/"times"/);
    expect(() => emulator.faults.set('get-user', 'empty', { probability: 2 })).toThrow(/"probability"/);
    expect(() => emulator.faults.set('get-user', 'reset-before-read', { userId: ADA })).toThrow(/"userId"/);
  });

  test('for one user meet only the calls about that user', async () => {
    emulator.faults.set('*', 'envelope-500', { userId: ADA });
    emulator.faults.set('unlink-identity', [
      { fault: 'http-502', userId: ZHANG_SAN, times: 1 },
      { fault: 'latency:1', userId: ZHANG_SAN },
    ]);
    const statusOf = async (name: string, data: Record<string, unknown>) =>
      (await call(emulator, name, data)).body.statusCode;
    expect(await statusOf('get-user', { userId: ADA })).toBe(500);
    expect(await statusOf('get-user', { userId: ZHANG_SAN })).toBe(200);
    expect(await statusOf('get-user-batch', { userIds: [ZHANG_SAN, ADA] })).toBe(500);
    expect(await statusOf('get-user-batch', { userIds: [ZHANG_SAN] })).toBe(200);
    const { url, init } = signedRequest(emulator, 'unlink-identity', github);
    expect((await fetch(url, init)).status).toBe(502);
    expect((await call(emulator, 'unlink-identity', github)).body.statusCode).toBe(200);
    expect(emulator.calls.map(({ fault }) => fault)).toEqual([
      'envelope-500',
      null,
      'envelope-500',
      null,
      'http-502',
      null,
    ]);
    expect(emulator.faults.list()).toEqual({
      '*': [{ fault: 'envelope-500', userId: ADA }],
      'POST /api/v3/unlink-identity': [{ fault: 'latency:1', userId: ZHANG_SAN }],
    });
  });

  test('for one user meet reverse look-ups of an account of that user', async () => {
    emulator.faults.set('get-user-batch', 'envelope-500', { userId: ZHANG_SAN });
    const lookUp = async (...userIds: string[]) =>
      (await call(emulator, 'get-user-batch', { userIds, userIdType: 'identity' })).body.statusCode;
    expect(await lookUp(`${GITHUB}:1024002`)).toBe(200);
    expect(await lookUp(`${GITHUB}:1024002`, `${GITHUB}:1024001`)).toBe(500);
  });

  test('for one user leave writes about the user alone when they are set for reads', async () => {
    emulator.faults.set('get-user', 'envelope-500', { userId: ZHANG_SAN });
    expect((await call(emulator, 'unlink-identity', github)).body.statusCode).toBe(200);
  });

  test('end when the emulator closes, and execute nothing afterwards', async () => {
    emulator.faults.set('*', 'latency:600000');
    const { url, init } = signedRequest(emulator, 'unlink-identity', github);
    const waiting = send({ url, init });
    waiting.catch(() => undefined);
    while (emulator.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await emulator.close();
    await expect(waiting).rejects.toThrow('fetch failed');
    expect(emulator.store.executions).toEqual([]);
    emulator = await startEmulator();
  });
});
