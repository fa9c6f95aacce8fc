import { type Emulator, startEmulator } from '../../src/emulator';
import { describeWith } from '../support/optional';
import { run, type Running } from '../support/process';
import { ask, ENTITIES, type EntitiesAnswer, representations } from '../support/stack';
import { createRedisServer, hasRedis, type RedisServer } from './redisServer';

const PASSWORD = 'sentinel-password-of-redis';

interface Ready {
  url: string;
  adminUrl: string;
}

describeWith(hasRedis)('dist/main.js with VALKEY_URL (needs redis-server)', () => {
  let redis: RedisServer;
  let emulator: Emulator;
  let main: Running;

  beforeEach(async () => {
    redis = await createRedisServer({ password: PASSWORD });
    emulator = await startEmulator();
  });
  afterEach(async () => {
    await main.stop();
    await Promise.all([emulator.close(), redis.close()]);
  });

  async function start(env: Record<string, string>): Promise<Ready> {
    main = run(['dist/main.js'], {
      PORT: '0',
      ADMIN_PORT: '0',
      DRAIN_DELAY_MS: '0',
      AUTH_MODE: 'none',
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
      ...env,
    });
    const [line] = await main.waitFor(/^\{.*"msg":"ready".*\}$/m);
    return JSON.parse(line) as Ready;
  }

  function url(password: string): string {
    return `valkey://:${password}@127.0.0.1:${redis.port}`;
  }

  async function expectToServe(ready: Ready): Promise<void> {
    const userId = emulator.store.users()[0]?.profile.userId ?? '';
    const { data, errors } = await ask<EntitiesAnswer>(`${ready.url}/graphql`, ENTITIES, representations([userId]));
    expect(errors).toEqual([]);
    expect(data?._entities).toHaveLength(1);
  }

  async function gauges({ adminUrl }: Ready): Promise<{ shared: string | undefined; replicas: string | undefined }> {
    const text = await (await fetch(`${adminUrl}/metrics`)).text();
    return {
      shared: /^genauth_rate_limit_shared (\d+)$/m.exec(text)?.[1],
      replicas: /^genauth_replicas (\d+)$/m.exec(text)?.[1],
    };
  }

  function linesAbout(text: string): number {
    return main.output().split(text).length - 1;
  }

  const SHARED = /"replicas":1,"msg":"the rate of calls is shared"/;
  const LOST = /"level":40,[^\n]*"reason":"(\w+)","replicas":(\d),"msg":"the rate of calls is not shared/;

  test('shares, says once when it cannot any more and once when it can again, and serves all the time', async () => {
    await redis.start();
    const ready = await start({ VALKEY_URL: url(PASSWORD) });
    await main.waitFor(SHARED);
    expect(await gauges(ready)).toEqual({ shared: '1', replicas: '1' });
    await expectToServe(ready);
    await redis.kill();
    const [, , replicas] = await main.waitFor(LOST);
    expect(replicas).toBe('1');
    expect(await gauges(ready)).toEqual({ shared: '0', replicas: '1' });
    for (let request = 0; request < 10; request++) await expectToServe(ready);
    await redis.start();
    await main.waitFor(/is not shared[^]*"msg":"the rate of calls is shared"/);
    expect(await gauges(ready)).toEqual({ shared: '1', replicas: '1' });
    await expectToServe(ready);
    expect(linesAbout('the rate of calls is')).toBe(3);
    expect(main.output()).not.toContain(PASSWORD);
    expect(await main.stop()).toBe(0);
  }, 30_000);

  test('starts and serves where Redis is not there, and shares once it is', async () => {
    const ready = await start({ VALKEY_URL: url(PASSWORD) });
    const [, reason, replicas] = await main.waitFor(LOST);
    expect([reason, replicas]).toEqual(['ECONNREFUSED', '0']);
    expect(await gauges(ready)).toEqual({ shared: '0', replicas: '0' });
    await expectToServe(ready);
    await redis.start();
    await main.waitFor(SHARED);
    await expectToServe(ready);
  }, 30_000);

  test('serves with a password that Redis refuses, and does not log it', async () => {
    await redis.start();
    const ready = await start({ VALKEY_URL: url('sentinel-wrong') });
    const [, reason] = await main.waitFor(LOST);
    expect(reason).toBe('WRONGPASS');
    await expectToServe(ready);
    expect(linesAbout('the rate of calls is')).toBe(1);
    expect(main.output()).not.toContain('sentinel-wrong');
    expect(await main.stop()).toBe(0);
  }, 30_000);

  test('shows nothing of sharing where nothing is shared', async () => {
    const ready = await start({});
    expect(await gauges(ready)).toEqual({ shared: undefined, replicas: undefined });
    await expectToServe(ready);
  });
});
