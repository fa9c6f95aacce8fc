import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { type Main, startMain } from '../support/main';
import { describeWith } from '../support/optional';
import { ask, ENTITIES, type EntitiesAnswer, representations, UNLINK, type UnlinkAnswer } from '../support/stack';
import { createRedisServer, hasRedis, type RedisServer } from './redisServer';
import { startSlowProxy } from './slowProxy';

const PASSWORD = 'sentinel-password-of-redis';

describeWith(hasRedis)('dist/main.js with VALKEY_URL (needs redis-server)', () => {
  let redis: RedisServer;
  let emulator: Emulator;
  let main: Main;

  beforeEach(async () => {
    redis = await createRedisServer({ password: PASSWORD });
    emulator = await startEmulator({ seed: createPool({ users: 20, identitiesPerUser: 2 }) });
  });
  afterEach(async () => {
    await main.stop();
    await Promise.all([emulator.close(), redis.close()]);
  });

  async function start(env: Record<string, string>): Promise<void> {
    main = await startMain(emulator, env);
  }

  function url(password: string, port = redis.port): string {
    return `valkey://:${password}@127.0.0.1:${port}`;
  }

  async function expectToServe(): Promise<void> {
    const userId = emulator.store.users()[0]?.profile.userId ?? '';
    const { data, errors } = await ask<EntitiesAnswer>(`${main.url}/graphql`, ENTITIES, representations([userId]));
    expect(errors).toEqual([]);
    expect(data?._entities).toHaveLength(1);
  }

  /** Reads many users and unlinks an identity of each, all at the same time. */
  async function expectToServeMany(): Promise<void> {
    const serve = async ({ profile: { userId } }: { profile: { userId: string } }): Promise<void> => {
      const [identity] = emulator.store.identitiesOf(userId);
      const read = ask<EntitiesAnswer>(`${main.url}/graphql`, ENTITIES, representations([userId]));
      const unlink = ask<UnlinkAnswer>(`${main.url}/graphql`, UNLINK, { userId, extIdpId: identity?.extIdpId });
      expect([(await read).errors, (await unlink).errors]).toEqual([[], []]);
      expect((await unlink).data?.unlinkIdentity?.success).toBe(true);
    };
    await Promise.all(emulator.store.users().map(serve));
  }

  async function gauges(): Promise<{ shared: string | undefined; replicas: string | undefined }> {
    const text = await (await fetch(`${main.adminUrl}/metrics`)).text();
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

  test('shares the rate, logs once when sharing stops and once when it starts again, and always serves', async () => {
    await redis.start();
    await start({ VALKEY_URL: url(PASSWORD) });
    await main.waitFor(SHARED);
    expect(await gauges()).toEqual({ shared: '1', replicas: '1' });
    await expectToServe();
    await redis.kill();
    const [, , replicas] = await main.waitFor(LOST);
    expect(replicas).toBe('1');
    expect(await gauges()).toEqual({ shared: '0', replicas: '1' });
    for (let request = 0; request < 10; request++) await expectToServe();
    await redis.start();
    await main.waitFor(/is not shared[^]*"msg":"the rate of calls is shared"/);
    expect(await gauges()).toEqual({ shared: '1', replicas: '1' });
    await expectToServe();
    expect(linesAbout('the rate of calls is')).toBe(3);
    expect(main.output()).not.toContain(PASSWORD);
    expect(await main.stop()).toBe(0);
  }, 30_000);

  test('starts and serves without Redis, and shares the rate as soon as Redis is available', async () => {
    await start({ VALKEY_URL: url(PASSWORD) });
    const [, reason, replicas] = await main.waitFor(LOST);
    // On a busy machine, the first heartbeat may come before the first attempt to connect has failed.
    expect(['ECONNREFUSED', 'ClientOfflineError']).toContain(reason);
    expect(replicas).toBe('0');
    expect(await gauges()).toEqual({ shared: '0', replicas: '0' });
    await expectToServe();
    await redis.start();
    await main.waitFor(SHARED);
    await expectToServe();
  }, 30_000);

  test('serves with a password that Redis rejects, and does not log the password', async () => {
    await redis.start();
    await start({ VALKEY_URL: url('sentinel-wrong') });
    const [, reason] = await main.waitFor(LOST);
    expect(reason).toBe('WRONGPASS');
    await expectToServe();
    expect(linesAbout('the rate of calls is')).toBe(1);
    expect(main.output()).not.toContain('sentinel-wrong');
    expect(await main.stop()).toBe(0);
  }, 30_000);

  test('falls back while Redis accepts connections and does not respond, and shares again afterwards', async () => {
    await redis.start();
    await start({ VALKEY_URL: url(PASSWORD) });
    await main.waitFor(SHARED);
    redis.freeze();
    const [, reason] = await main.waitFor(LOST);
    expect(reason).toBe('timeout');
    for (let request = 0; request < 10; request++) await expectToServe();
    redis.thaw();
    await main.waitFor(/is not shared[^]*"msg":"the rate of calls is shared"/);
    await expectToServe();
    redis.freeze();
    expect(await main.stop()).toBe(0);
    redis.thaw();
  }, 30_000);

  test.each([
    ['seconds, which is longer than a request may take', 4_000],
    ['150 ms, which is longer than a lease is valid', 75],
  ])(
    'reads and unlinks in time when Redis responds after %s, falls back, and shares again afterwards',
    async (_time, delayMs) => {
      await redis.start();
      const proxy = await startSlowProxy(redis.port);
      try {
        await start({ VALKEY_URL: url(PASSWORD, proxy.port), REQUEST_DEADLINE_MS: '3000' });
        await main.waitFor(SHARED);
        proxy.delayMs = delayMs;
        // Some of these requests arrive before the process has noticed.
        await expectToServeMany();
        const [, reason] = await main.waitFor(LOST);
        expect(reason).toBe('timeout');
        expect(await gauges()).toEqual({ shared: '0', replicas: '1' });
        await expectToServe();
        proxy.delayMs = 0;
        await main.waitFor(/is not shared[^]*"msg":"the rate of calls is shared"/);
        await expectToServe();
        expect(linesAbout('the rate of calls is')).toBe(3);
        expect(await main.stop()).toBe(0);
      } finally {
        await proxy.close();
      }
    },
    30_000,
  );

  test('starts and serves with a Redis that responds after seconds', async () => {
    await redis.start();
    const proxy = await startSlowProxy(redis.port);
    proxy.delayMs = 4_000;
    try {
      await start({ VALKEY_URL: url(PASSWORD, proxy.port), REQUEST_DEADLINE_MS: '3000' });
      await expectToServe();
      await main.waitFor(LOST);
      await expectToServe();
      expect(await gauges()).toEqual({ shared: '0', replicas: '0' });
      expect(await main.stop()).toBe(0);
    } finally {
      await proxy.close();
    }
  }, 30_000);

  test('falls back while the memory of Redis is full, and logs it once', async () => {
    const full = await createRedisServer({ maxMemory: 1 });
    try {
      await full.start();
      await start({ VALKEY_URL: `redis://127.0.0.1:${full.port}` });
      const [, reason] = await main.waitFor(LOST);
      expect(reason).toBe('OOM');
      for (let request = 0; request < 10; request++) await expectToServe();
      expect(await gauges()).toEqual({ shared: '0', replicas: '0' });
      expect(linesAbout('the rate of calls is')).toBe(1);
    } finally {
      await full.close();
    }
  }, 30_000);

  test('has no metrics of sharing without VALKEY_URL', async () => {
    await start({});
    expect(await gauges()).toEqual({ shared: undefined, replicas: undefined });
    await expectToServe();
  });
});
