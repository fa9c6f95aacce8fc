import { Concurrency } from '../../src/cli/concurrency';

/** Observes requests to a server that executes as many at once as its capacity, for 300 ms each. @returns The limits. */
function play(concurrency: Concurrency, capacity: (ms: number) => number, seconds: number): number[] {
  const limits: number[] = [];
  for (let now = 0; now < seconds * 1_000;) {
    const { limit } = concurrency;
    const latencyMs = 300 * Math.max(1, limit / capacity(now));
    now += latencyMs / limit;
    concurrency.observe(latencyMs, now);
    limits.push(concurrency.limit);
  }
  return limits;
}

describe('the number of concurrent mutations', () => {
  test.each([
    [1, 1],
    [50, 25],
    [150, 64],
  ])('grows to what the rate %d can need, while the latency stays the same', (rate, most) => {
    const limits = play(new Concurrency(rate), () => 1_000, 60);
    expect(limits.at(-1)).toBe(most);
  });

  test.each([1, 4, 16])('stays near the capacity of a supergraph that executes %d at once', (capacity) => {
    const limits = play(new Concurrency(200), () => capacity, 300);
    // The first steps double the number until requests wait.
    expect(Math.max(...limits.slice(limits.length / 4))).toBeLessThan(4 * capacity + 4);
    expect(Math.min(...limits.slice(limits.length / 4))).toBeGreaterThanOrEqual(1);
  });

  test('follows a supergraph that gets busy, and one that is idle again', () => {
    const capacity = (now: number): number => (now > 200_000 && now < 400_000 ? 2 : 40);
    const concurrency = new Concurrency(200);
    const limits = play(concurrency, capacity, 600);
    expect(Math.max(...limits)).toBeGreaterThan(30);
    expect(Math.min(...limits.slice(100))).toBeLessThan(8);
    expect(limits.at(-1)).toBeGreaterThan(20);
  });
});
