import { setTimeout as pause } from 'node:timers/promises';
import { TimeLimit } from '../../src/deadline';
import { Cached, type CachedOptions } from '../../src/identities/cached';

/** A deadline that never passes. */
const never = (): AbortSignal => new AbortController().signal;

function countingReads(options: Partial<CachedOptions<number>> & { fails?: () => boolean } = {}) {
  let reads = 0;
  const cached = new Cached<number>({
    read: async () => {
      reads++;
      await pause(5);
      if (options.fails?.() === true) throw new Error('GenAuth is down');
      return reads;
    },
    freshMs: 60_000,
    maxAgeMs: 3_600_000,
    retryAfterMs: 0,
    ...options,
  });
  return { cached, reads: () => reads };
}

describe('a cached value', () => {
  test('is read once for concurrent readers', async () => {
    const { cached, reads } = countingReads();
    const values = await Promise.all(Array.from({ length: 20 }, () => cached.get(never())));
    expect(new Set(values)).toEqual(new Set([1]));
    expect(reads()).toBe(1);
  });

  test('is used without reading while it is fresh', async () => {
    const { cached, reads } = countingReads();
    await cached.get(never());
    await cached.get(never());
    expect(reads()).toBe(1);
  });

  test('is read again once it is no longer fresh', async () => {
    const { cached } = countingReads({ freshMs: 0 });
    expect(await cached.get(never())).toBe(1);
    expect(await cached.get(never())).toBe(2);
  });

  test('is still used while it cannot be read again', async () => {
    let isDown = false;
    const { cached } = countingReads({ freshMs: 0, fails: () => isDown });
    await cached.get(never());
    isDown = true;
    expect(await cached.get(never())).toBe(1);
  });

  test('is not used beyond its maximum age', async () => {
    let isDown = false;
    const { cached } = countingReads({ freshMs: 0, maxAgeMs: 0, fails: () => isDown });
    await cached.get(never());
    isDown = true;
    await expect(cached.get(never())).rejects.toThrow('GenAuth is down');
  });

  test('is not attempted again before the pause after a failure is over', async () => {
    const { cached, reads } = countingReads({ retryAfterMs: 3_600_000, fails: () => true });
    await expect(cached.get(never())).rejects.toThrow('GenAuth is down');
    await expect(cached.get(never())).rejects.toThrow('GenAuth is down');
    expect(reads()).toBe(1);
  });

  test('does not keep a reader waiting beyond its own deadline', async () => {
    const cached = new Cached<number>({
      read: () => new Promise(() => undefined),
      freshMs: 1,
      maxAgeMs: 1,
      retryAfterMs: 1,
    });
    await expect(cached.get(new TimeLimit(10))).rejects.toThrow('the deadline has passed');
  });
});
