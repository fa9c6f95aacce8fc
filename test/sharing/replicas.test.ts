import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Emulator, startEmulator } from '../../src/emulator';
import type { SharingChange } from '../../src/sharing';
import { describeWith } from '../support/optional';
import { run, type Running, TSX } from '../support/process';
import { mostInASecond } from './fakeBucket';
import { createRedisServer, hasRedis, type RedisServer } from './redisServer';

const PER_SECOND = 150;
const REPLICAS = 3;
/** The largest measured factor was 1.15. A busy machine can delay a replica so long that its share is added. */
const BOUND = PER_SECOND * 1.5;

describeWith(hasRedis)('three replicas under load (needs redis-server)', () => {
  let redis: RedisServer;
  let emulator: Emulator;
  let folder: string;
  let workers: Running[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'replicas-'));
    redis = await createRedisServer();
    emulator = await startEmulator({ qps: Infinity });
    await redis.start();
    const userId = emulator.store.users()[0]?.profile.userId ?? '';
    const { url, accessKeyId, accessKeySecret } = emulator;
    const valkey = `redis://127.0.0.1:${redis.port}`;
    const of = [url, accessKeyId, accessKeySecret, userId, valkey, String(PER_SECOND)];
    workers = Array.from({ length: REPLICAS }, (_, id) =>
      run([...TSX, 'test/sharing/worker.ts', ...of, join(folder, String(id))]),
    );
    await untilAll(true);
    // Processes that have just started pause now and then.
    await phase(1_500);
    await untilAll(true);
  }, 60_000);
  afterEach(async () => {
    redis.thaw();
    await Promise.all(workers.map((worker) => worker.stop('SIGKILL')));
    await Promise.all([emulator.close(), redis.close(), rm(folder, { recursive: true })]);
  });

  function changesOf(worker: Running): SharingChange[] {
    const lines = worker.output().split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as SharingChange);
  }

  /** Waits until the last line of every replica reports sharing, or no sharing. */
  async function untilAll(shared: boolean): Promise<void> {
    for (const worker of workers) {
      while (changesOf(worker).at(-1)?.shared !== shared) await once(worker.child.stdout, 'data');
    }
  }

  /** Stops the replicas. @returns The times of their calls after `from`, in epoch milliseconds: per replica, and all. */
  async function stop(from: number): Promise<{ each: number[][]; all: number[] }> {
    await Promise.all(workers.map((worker) => worker.stop()));
    const files = await Promise.all(workers.map((_, id) => readFile(join(folder, String(id)), 'utf8')));
    const each = files.map((text) =>
      text
        .split('\n')
        .map(Number)
        .filter((at) => at >= from),
    );
    return { each, all: each.flat().sort((a, b) => a - b) };
  }

  /** Lets the load run for `ms` milliseconds. @returns Whether a time was within them. */
  async function phase(ms: number): Promise<(at: number) => boolean> {
    const from = Date.now();
    await pause(ms);
    const until = Date.now();
    return (at) => at >= from && at < until;
  }

  function rate(times: readonly number[]): number {
    return ((times.length - 1) / ((times.at(-1) ?? 0) - (times[0] ?? 0))) * 1000;
  }

  test('keep to one limit together, divide it while Redis is down, and share again afterwards', async () => {
    const from = Date.now();
    const shared = await phase(4_000);
    await redis.kill();
    await untilAll(false);
    const alone = await phase(3_000);
    await redis.start();
    await untilAll(true);
    const again = await phase(3_000);
    const { each, all } = await stop(from);

    for (const together of [all.filter(shared), all.filter(again)]) {
      expect(mostInASecond(together)).toBeLessThanOrEqual(BOUND);
      expect(rate(together)).toBeGreaterThan(PER_SECOND * 0.6);
    }
    for (const times of each.map((own) => own.filter(alone))) {
      expect(mostInASecond(times)).toBeLessThanOrEqual((PER_SECOND / REPLICAS) * 1.1 + 1);
      expect(rate(times)).toBeGreaterThan((PER_SECOND / REPLICAS) * 0.6);
    }
    expect(mostInASecond(all)).toBeLessThanOrEqual(BOUND);
    expect(mostInASecond(emulator.calls.map(({ at }) => at))).toBeLessThan(PER_SECOND * 2);
    expect(emulator.calls.length).toBeGreaterThan(all.length * 0.9);
    for (const worker of workers) {
      expect(changesOf(worker)).toContainEqual({ shared: false, replicas: REPLICAS, reason: expect.any(String) });
      expect(changesOf(worker).at(-1)).toEqual({ shared: true, replicas: REPLICAS, reason: null });
    }
  }, 60_000);

  test('continue when Redis accepts connections but does not respond', async () => {
    const from = Date.now();
    await phase(1_000);
    redis.freeze();
    await untilAll(false);
    const alone = await phase(5_000);
    redis.thaw();
    await untilAll(true);
    const again = await phase(1_500);
    const { all } = await stop(from);
    expect(rate(all.filter(alone))).toBeGreaterThan(PER_SECOND * 0.6);
    expect(rate(all.filter(again))).toBeGreaterThan(PER_SECOND * 0.6);
    expect(mostInASecond(all)).toBeLessThanOrEqual(BOUND);
    for (const worker of workers) {
      expect(changesOf(worker)).toContainEqual({ shared: false, replicas: REPLICAS, reason: 'timeout' });
    }
  }, 60_000);

  test('use the share of a replica that leaves at once', async () => {
    const [leaving] = workers;
    const from = Date.now();
    await phase(1_000);
    await leaving?.stop();
    const left = await phase(2_500);
    const { all } = await stop(from);
    expect(rate(all.filter(left))).toBeGreaterThan(PER_SECOND * 0.75);
  }, 60_000);
});
