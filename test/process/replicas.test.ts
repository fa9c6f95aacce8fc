import { setTimeout as pause } from 'node:timers/promises';
import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { mostInASecond } from '../sharing/fakeBucket';
import { createRedisServer, hasRedis, type RedisServer } from '../sharing/redisServer';
import { type Main, startMain } from '../support/main';
import { describeWith } from '../support/optional';
import { ask, ENTITIES, representations, userIdsOf } from '../support/stack';

const PER_SECOND = 60;
/** As in test/sharing/replicas.test.ts: the share of a replica that a busy machine delays is added. */
const BOUND = PER_SECOND * 1.5;
const CLIENTS = 10;

describeWith(hasRedis)('three processes of dist/main.js (needs redis-server)', () => {
  let redis: RedisServer;
  let emulator: Emulator;
  let replicas: Main[];
  const load = new AbortController();

  beforeAll(async () => {
    redis = await createRedisServer();
    emulator = await startEmulator({ seed: createPool({ users: 50, identitiesPerUser: 1 }), qps: Infinity });
    await redis.start();
    const env = { VALKEY_URL: `redis://127.0.0.1:${redis.port}`, GENAUTH_MAX_QPS: String(PER_SECOND) };
    replicas = await Promise.all([1, 2, 3].map(() => startMain(emulator, env)));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
    await Promise.all([emulator.close(), redis.close()]);
  });

  async function gaugesAre(shared: number): Promise<boolean> {
    const texts = await Promise.all(replicas.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/metrics`)).text()));
    const expected = new RegExp(`^genauth_rate_limit_shared ${shared}$[^]*^genauth_replicas 3$`, 'm');
    return texts.every((text) => expected.test(text));
  }

  /** Reads one user after another, until the load ends. */
  async function client({ url }: Main, answered: { count: number }): Promise<void> {
    const ids = userIdsOf(emulator);
    for (let turn = 0; !load.signal.aborted; turn++) {
      const { data } = await ask(`${url}/graphql`, ENTITIES, representations([ids[turn % ids.length] ?? '']));
      if (data?.['_entities'] !== undefined) answered.count++;
      else await pause(20);
    }
  }

  /** Waits for `ms` milliseconds of load. @returns The times at which calls reached GenAuth. */
  async function callsWithin(ms: number): Promise<number[]> {
    emulator.clearCalls();
    await pause(ms);
    return emulator.calls.map(({ at }) => at);
  }

  test('keep to one rate together, and continue with equal shares while Redis is down', async () => {
    const answered = replicas.map(() => ({ count: 0 }));
    const clients = replicas.flatMap((replica, index) =>
      Array.from({ length: CLIENTS }, () => client(replica, answered[index] ?? { count: 0 })),
    );
    while (!(await gaugesAre(1))) await pause(20);
    await pause(1_000);
    const shared = await callsWithin(2_500);
    await redis.kill();
    while (!(await gaugesAre(0))) await pause(20);
    await pause(1_000);
    const before = answered.map(({ count }) => count);
    const alone = await callsWithin(2_500);
    load.abort();
    await Promise.all(clients);

    for (const calls of [shared, alone]) {
      expect(mostInASecond(calls)).toBeLessThanOrEqual(BOUND);
      // More than the share of one replica.
      expect(calls.length / 2.5).toBeGreaterThan(PER_SECOND / 3);
    }
    expect(answered.filter(({ count }, index) => count <= (before[index] ?? 0))).toEqual([]);
    for (const replica of replicas) expect(replica.output()).toContain('the rate of calls is not shared');
  }, 30_000);
});
