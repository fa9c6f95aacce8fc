import fc from 'fast-check';
import { BURST_SECONDS, LEASE_MS } from '../../src/sharing/leases';
import { SharedRateLimit, type SharingChange } from '../../src/sharing/sharedRateLimit';
import { FakeBucket, FakeTime, mostInASecond } from './fakeBucket';

interface Replica {
  limit: SharedRateLimit;
  changes: SharingChange[];
  taken: number[];
}

class Replicas {
  readonly time = new FakeTime();
  readonly bucket: FakeBucket;
  readonly all: Replica[];

  constructor({ count = 1, perSecond = 100, distance = (): number => 1 }) {
    this.bucket = new FakeBucket(this.time, perSecond, distance);
    this.all = Array.from({ length: count }, (_, id) => {
      const changes: SharingChange[] = [];
      const onChange = (change: SharingChange): void => void changes.push(change);
      const limit = new SharedRateLimit(this.bucket.replica(id), { perSecond, onChange }, () => this.time.now);
      return { limit, changes, taken: [] };
    });
  }

  get taken(): number[] {
    return this.all.flatMap(({ taken }) => taken).sort((a, b) => a - b);
  }

  get shared(): boolean {
    return this.all.every(({ limit }) => limit.gauges.shared && limit.gauges.replicas === this.all.length);
  }

  /** @param demand How many calls a replica wants to make at this millisecond. */
  async run(ms: number, demand: (id: number) => number): Promise<void> {
    for (let tick = 0; tick < ms; tick++) {
      await this.time.advance();
      for (const [id, { limit, taken }] of this.all.entries()) {
        if ((this.time.now + id * 37) % 500 === 0) limit.sendHeartbeat();
        for (let calls = demand(id); calls > 0 && limit.take() === 0; calls--) taken.push(this.time.now);
      }
    }
  }

  async untilShared(): Promise<void> {
    for (let ms = 0; !this.shared && ms < 3_000; ms++) await this.run(1, () => 0);
    if (!this.shared) throw new Error('the replicas did not come to share');
  }
}

const noDemand = (): number => 0;
const highDemand = (): number => 5;

describe('a shared rate of calls', () => {
  test('is exceeded in any second by at most the content of leases and bucket, under any demand', async () => {
    const scenario = fc.record({
      count: fc.integer({ min: 1, max: 5 }),
      perSecond: fc.constantFrom(1, 7, 50, 200, 1_000),
      distances: fc.array(fc.integer({ min: 0, max: 45 }), { minLength: 1, maxLength: 20 }),
      demands: fc.array(fc.nat({ max: 40 }), { minLength: 5, maxLength: 60 }),
      pace: fc.integer({ min: 1, max: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ count, perSecond, distances, demands, pace }) => {
        let turn = 0;
        const replicas = new Replicas({ count, perSecond, distance: () => distances[turn++ % distances.length] ?? 0 });
        await replicas.untilShared();
        const { time } = replicas;
        await replicas.run(2_500, (id) => demands[(Math.floor(time.now / pace) + id) % demands.length] ?? 0);
        for (const { changes } of replicas.all) expect(changes).toHaveLength(1);
        const bound = perSecond * (1 + LEASE_MS / 1000) + Math.max(1, perSecond * BURST_SECONDS);
        expect(mostInASecond(replicas.taken)).toBeLessThanOrEqual(Math.ceil(bound));
        expect(replicas.taken.length).toBeLessThanOrEqual(replicas.bucket.granted);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    [1, 100],
    [3, 200],
    [5, 50],
    [3, 2_000],
  ])('is used completely under demand: %i replicas, %i calls per second', async (count, perSecond) => {
    const replicas = new Replicas({ count, perSecond });
    await replicas.untilShared();
    await replicas.run(3_000, highDemand);
    expect(replicas.taken.length).toBeGreaterThan(3 * perSecond * 0.9);
    const each = replicas.all.map(({ taken }) => taken.length);
    expect(Math.min(...each)).toBeGreaterThan((3 * perSecond) / count / 2);
  });

  test('goes to the replicas that need it', async () => {
    const replicas = new Replicas({ count: 3, perSecond: 200 });
    await replicas.untilShared();
    await replicas.run(2_000, (id) => (id === 0 ? 5 : 0));
    expect(replicas.taken.length).toBeGreaterThan(2 * 200 * 0.9);
  });

  test('leases no more than is used if calls are rare', async () => {
    const replicas = new Replicas({ perSecond: 200 });
    await replicas.untilShared();
    for (let call = 0; call < 5; call++) {
      const [replica] = replicas.all;
      const before = replicas.taken.length;
      while (replicas.taken.length === before) await replicas.run(1, () => Number(replica?.taken.length === before));
      await replicas.run(300, noDemand);
    }
    expect(replicas.bucket.granted).toBe(5);
  });

  test('is divided equally while the bucket cannot be reached, and is shared again without a burst', async () => {
    const replicas = new Replicas({ count: 4, perSecond: 200 });
    await replicas.untilShared();
    await replicas.run(1_500, highDemand);
    replicas.bucket.reachable = false;
    const lostAt = replicas.time.now;
    await replicas.run(3_000, highDemand);
    for (const { taken, changes } of replicas.all) {
      const alone = taken.filter((at) => at > lostAt + 500);
      expect(mostInASecond(alone)).toBeLessThanOrEqual(56);
      expect(alone.length).toBeGreaterThan(110);
      expect(changes.at(-1)).toEqual({ shared: false, replicas: 4, reason: 'ECONNREFUSED' });
    }
    replicas.bucket.reachable = true;
    await replicas.run(3_000, highDemand);
    expect(replicas.shared).toBe(true);
    expect(replicas.taken.filter((at) => at > replicas.time.now - 2_000).length).toBeGreaterThan(360);
    expect(mostInASecond(replicas.taken)).toBeLessThanOrEqual(200 * 1.25);
    for (const { changes } of replicas.all) expect(changes.map(({ shared }) => shared)).toEqual([true, false, true]);
  });

  test('reserves the share of a replica without a heartbeat, until the replica is forgotten', async () => {
    const replicas = new Replicas({ count: 2, perSecond: 100 });
    await replicas.untilShared();
    const [silent] = replicas.all.splice(1);
    await replicas.run(2_000, noDemand);
    await replicas.run(2_000, highDemand);
    expect(replicas.taken.length).toBeLessThan(125);
    expect(replicas.taken.length).toBeGreaterThan(80);
    await silent?.limit.close();
    await replicas.run(2_000, highDemand);
    expect(replicas.taken.length).toBeGreaterThan(260);
  });

  test.each([
    ['too slow', 80],
    ['not responding', Infinity],
  ])('falls back to the own share if the bucket is %s, and reports that once', async (_what, distance) => {
    let ms = 1;
    const replicas = new Replicas({ perSecond: 100, distance: () => ms });
    await replicas.untilShared();
    await replicas.run(1_000, highDemand);
    const before = replicas.taken.length;
    ms = distance;
    await replicas.run(2_000, highDemand);
    expect(replicas.taken.length - before).toBeGreaterThan(150);
    expect(replicas.all[0]?.changes.slice(1)).toEqual([{ shared: false, replicas: 1, reason: 'timeout' }]);
  });

  test('is divided by ten while the number of replicas is unknown', async () => {
    const replicas = new Replicas({ perSecond: 100 });
    replicas.bucket.reachable = false;
    await replicas.run(3_000, highDemand);
    expect(replicas.taken.length).toBeGreaterThan(25);
    expect(mostInASecond(replicas.taken)).toBeLessThanOrEqual(11);
    expect(replicas.all[0]?.changes).toEqual([{ shared: false, replicas: 0, reason: 'ECONNREFUSED' }]);
    expect(replicas.all[0]?.limit.gauges).toEqual({ shared: false, replicas: 0 });
  });

  test('allows each replica at least one call per second, however many replicas there are', async () => {
    const replicas = new Replicas({ count: 5, perSecond: 1 });
    await replicas.untilShared();
    replicas.bucket.reachable = false;
    await replicas.run(4_000, highDemand);
    for (const { taken } of replicas.all) expect(taken.length).toBeGreaterThanOrEqual(3);
  });
});
