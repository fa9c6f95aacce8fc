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
/** It was never more than 1.15; a replica that the machine does not let run counts as lost, and comes on top with its share. */
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
    // Cold processes stand still for a moment now and then.
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

  /** Waits until all of them say so. */
  async function untilAll(shared: boolean): Promise<void> {
    for (const worker of workers) {
      while (changesOf(worker).at(-1)?.shared !== shared) await once(worker.child.stdout, 'data');
    }
  }

  /** When they let calls out since then, in epoch milliseconds: each replica's own, and all together. */
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

  /** Lets the load go on, and says from when until when. */
  async function phase(ms: number): Promise<(at: number) => boolean> {
    const from = Date.now();
    await pause(ms);
    const until = Date.now();
    return (at) => at >= from && at < until;
  }

  function rate(times: readonly number[]): number {
    return ((times.length - 1) / ((times.at(-1) ?? 0) - (times[0] ?? 0))) * 1000;
  }

  test('keep to the limit together, divide it while Redis is gone, and share again when it is back', async () => {
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

  test('go on when Redis takes connections and does not answer', async () => {
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

  test('give the share of one that leaves to the others at once', async () => {
    const [leaving] = workers;
    const from = Date.now();
    await phase(1_000);
    await leaving?.stop();
    const left = await phase(2_500);
    const { all } = await stop(from);
    expect(rate(all.filter(left))).toBeGreaterThan(PER_SECOND * 0.75);
  }, 60_000);
});
