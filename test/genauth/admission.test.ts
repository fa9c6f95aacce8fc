import fc from 'fast-check';
import { Admission, AdmissionError, type Lane, type Turn } from '../../src/genauth/admission';
import { createTokenBucket } from '../../src/genauth/tokenBucket';

type Command =
  | { kind: 'enter'; lane: Lane }
  | { kind: 'leave'; which: number }
  | { kind: 'abort'; which: number }
  | { kind: 'pause'; ms: number }
  | { kind: 'advance'; ms: number };

interface Entry {
  lane: Lane;
  controller: AbortController;
  state: 'waits' | 'in' | 'left' | 'rejected';
  turn?: Turn;
  reason?: unknown;
}

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('enter'), lane: fc.constantFrom('writes', 'reads') }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('leave', 'leave', 'abort'), which: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('advance', 'advance', 'pause'),
      ms: fc.integer({ min: 0, max: 600 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('advance', 'pause'), ms: fc.constantFrom(2_001, 5_000) }) },
);

const commands = fc.array(command, { minLength: 1, maxLength: 60, size: 'max' });

/** Runs commands on an admission with jest's clock, and checks after each command what must always hold. */
class Model {
  /** Violations found so far. */
  readonly problems: string[] = [];
  /** When each call was admitted, in milliseconds. */
  readonly grants: number[] = [];
  readonly #admission: Admission;
  readonly #maxConcurrency: number;
  readonly #entries: Entry[] = [];
  #pausedUntil = 0;

  constructor(maxConcurrency: number, qps: number) {
    this.#maxConcurrency = maxConcurrency;
    const bucket = createTokenBucket(qps);
    this.#admission = new Admission({
      maxConcurrency,
      rateLimit: {
        take: () => {
          const waitMs = bucket.take();
          if (waitMs === 0) this.grants.push(performance.now());
          if (performance.now() < this.#pausedUntil) this.problems.push('admitted during a pause');
          return waitMs;
        },
      },
    });
  }

  async run(next: Command): Promise<void> {
    switch (next.kind) {
      case 'enter':
        this.#enter(next.lane);
        break;
      case 'leave':
        this.#leave(pick(this.#in('in'), next.which));
        break;
      case 'abort':
        pick(this.#in('waits'), next.which)?.controller.abort();
        break;
      case 'pause':
        this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + next.ms);
        this.#admission.pause(next.ms);
        break;
      case 'advance':
        jest.advanceTimersByTime(next.ms);
    }
    await this.#check();
  }

  /** Ends all calls. Afterwards none may wait, and a further call is admitted. */
  async finish(): Promise<void> {
    for (let ms = 0; ms < 10_000; ms += 50) {
      this.#leave(this.#in('in')[0]);
      jest.advanceTimersByTime(50);
      await this.#check();
    }
    for (const entry of this.#in('in')) this.#leave(entry);
    if (this.#in('waits').length > 0) this.problems.push('a call waits for ever');
    this.#enter('reads');
    await this.#check();
    if (this.#entries.at(-1)?.state !== 'in') this.problems.push('a call is not admitted though there is room');
  }

  #enter(lane: Lane): void {
    const entry: Entry = { lane, controller: new AbortController(), state: 'waits' };
    this.#entries.push(entry);
    this.#admission.enter(lane, entry.controller.signal).then(
      (turn) => this.#admitted(entry, turn),
      (error: unknown) => {
        entry.state = 'rejected';
        entry.reason = error;
      },
    );
  }

  #admitted(entry: Entry, turn: Turn): void {
    const first = this.#in('waits').find(({ lane }) => lane === entry.lane);
    if (first !== entry) this.problems.push('admitted out of order');
    entry.state = 'in';
    entry.turn = turn;
  }

  #leave(entry: Entry | undefined): void {
    if (entry === undefined) return;
    entry.state = 'left';
    entry.turn?.release();
  }

  #in(...states: Entry['state'][]): Entry[] {
    return this.#entries.filter(({ state }) => states.includes(state));
  }

  async #check(): Promise<void> {
    await settled();
    const inside = this.#in('in');
    const reads = inside.filter(({ lane }) => lane === 'reads').length;
    const kept = this.#maxConcurrency > 1 ? Math.max(1, Math.floor(this.#maxConcurrency / 8)) : 0;
    if (inside.length > this.#maxConcurrency) this.problems.push(`${inside.length} under way`);
    if (reads > this.#maxConcurrency - kept) this.problems.push(`${reads} reads under way`);
    const waiting = this.#in('waits');
    if (this.#admission.waiting !== waiting.length) this.problems.push('a call was neither admitted nor rejected');
    if (waiting.some(({ controller }) => controller.signal.aborted)) this.problems.push('a deadline was ignored');
    for (const { reason } of this.#in('rejected')) {
      if (!(reason instanceof AdmissionError)) this.problems.push('rejected without a reason');
    }
  }
}

/** Lets all promises settle that can. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % items.length];
}

describe('admission under any order of events', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('keeps to its limits, its order and the rate, and settles every call', async () => {
    const rate = fc.constantFrom(2, 20, 200, 1_000_000);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), rate, commands, async (maxConcurrency, qps, run) => {
        const model = new Model(maxConcurrency, qps);
        for (const next of run) await model.run(next);
        await model.finish();
        expect(model.problems).toEqual([]);
        expectRate(model.grants, qps);
      }),
      { numRuns: 200 },
    );
  });

  test('the token bucket grants no more in any window than the burst and the rate allow', () => {
    const steps = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 1, maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), steps, (qps, waits) => {
        let now = 0;
        const bucket = createTokenBucket(qps, () => now);
        const grants: number[] = [];
        let longest = 0;
        for (const wait of waits) {
          now += wait;
          for (let asked = 0; asked < 60; asked++) {
            const waitMs = bucket.take();
            if (waitMs === 0) grants.push(now);
            else longest = Math.max(longest, waitMs);
          }
        }
        expect(longest).toBeLessThanOrEqual(Math.ceil(1_000 / qps));
        expectRate(grants, qps);
      }),
    );
  });
});

/** A tenth of a second's calls may go out at once, and one always may. */
function expectRate(grants: readonly number[], qps: number): void {
  const burst = Math.max(1, qps / 10);
  // How many more could have gone out in the fullest of all windows that end with a call.
  let left = burst;
  let least = burst;
  grants.forEach((at, index) => {
    left = Math.min(burst, left + ((at - (grants[index - 1] ?? at)) / 1_000) * qps) - 1;
    least = Math.min(least, left);
  });
  expect(least).toBeGreaterThan(-1e-6);
}
