import { type Emulator, startEmulator } from '../../src/emulator';
import { ADA, call, GITHUB, MOBILE, type ReplyBody, WECHAT, ZHANG_SAN } from './caller';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

async function send(name: string, data: Record<string, unknown>, key: string): Promise<ReplyBody> {
  return (await call(emulator, name, data, { headers: { 'idempotency-key': key } })).body;
}

const unlinkGithub = (key: string) => send('unlink-identity', { userId: ZHANG_SAN, extIdpId: GITHUB }, key);

describe('an Idempotency-Key', () => {
  test('is recorded with the call and with what was executed', async () => {
    await unlinkGithub('key-1');
    await send('link-identity', { userId: ZHANG_SAN, extIdpId: GITHUB, userIdInIdp: '1024001' }, 'key-2');
    await send('kick-users', { userId: ZHANG_SAN, appIds: [MOBILE] }, 'key-3');
    await call(emulator, 'unlink-identity', { userId: ADA, extIdpId: GITHUB });
    expect(emulator.calls.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['key-1', 'key-2', 'key-3', null]);
    expect(emulator.store.executions.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['key-1', undefined]);
    expect(emulator.store.linkExecutions).toMatchObject([{ idempotencyKey: 'key-2', added: true }]);
    expect(emulator.store.kickExecutions).toMatchObject([{ idempotencyKey: 'key-3' }]);
  });

  test('is ignored by default: a repeated write is executed again', async () => {
    emulator.switches.unlinkMissing = '404';
    expect((await unlinkGithub('key')).statusCode).toBe(200);
    expect((await unlinkGithub('key')).statusCode).toBe(404);
  });

  test('that is honoured gets the same data again, and nothing is executed', async () => {
    Object.assign(emulator.switches, { idempotencyKey: 'honoured', unlinkMissing: '404' });
    const first = await unlinkGithub('key');
    const second = await unlinkGithub('key');
    expect([first.data, second.data]).toEqual([{ success: true }, { success: true }]);
    expect(emulator.calls).toMatchObject([
      { executed: true, replayed: false },
      { executed: false, replayed: true },
    ]);
    expect(emulator.store.executions).toHaveLength(1);
    expect((await unlinkGithub('another key')).statusCode).toBe(404);
  });

  test('that is honoured gets the response that was lost', async () => {
    emulator.switches.idempotencyKey = 'honoured';
    emulator.faults.set('unlink-identity', 'reset-after-execute', { times: 1 });
    await expect(unlinkGithub('key')).rejects.toThrow('fetch failed');
    expect((await unlinkGithub('key')).data).toEqual({ success: true });
    expect(emulator.store.executions).toHaveLength(1);
  });

  test('that is honoured gets 409 when idempotencyReplay says so', async () => {
    Object.assign(emulator.switches, { idempotencyKey: 'honoured', idempotencyReplay: '409' });
    await unlinkGithub('key');
    expect(await unlinkGithub('key')).toMatchObject({ statusCode: 409 });
    expect(emulator.store.executions).toHaveLength(1);
  });

  test('that is honoured is refused with another request', async () => {
    emulator.switches.idempotencyKey = 'honoured';
    await unlinkGithub('key');
    expect(await send('unlink-identity', { userId: ZHANG_SAN, extIdpId: WECHAT }, 'key')).toMatchObject({
      statusCode: 422,
    });
    expect(emulator.store.identitiesOf(ZHANG_SAN)).toHaveLength(2);
  });

  test('does not keep what was refused, and does not concern reads', async () => {
    emulator.switches.idempotencyKey = 'honoured';
    emulator.switches.unlinkMissing = '404';
    await unlinkGithub('key 1');
    expect((await unlinkGithub('key 2')).statusCode).toBe(404);
    emulator.store.link(ZHANG_SAN, { extIdpId: GITHUB, userIdInIdp: '1024001' });
    expect((await unlinkGithub('key 2')).statusCode).toBe(200);
    const reads = [await send('get-user', { userId: ADA }, 'key 3'), await send('get-user', { userId: ADA }, 'key 3')];
    expect(reads.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(emulator.calls.slice(-2)).toMatchObject([{ replayed: false }, { executed: true, replayed: false }]);
  });
});
