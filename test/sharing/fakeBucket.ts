import {
  BURST_SECONDS,
  type Draw,
  type Lease,
  type Leases,
  MAX_AHEAD_MS,
  PRESENT_MS,
  REMEMBERED_MS,
} from '../../src/sharing/leases';

/** A clock with timers. Time passes only through `advance`. */
export class FakeTime {
  now = 0;
  #due: { at: number; run: () => void }[] = [];

  after(ms: number, run: () => void): void {
    this.#due.push({ at: this.now + ms, run });
  }

  /** Advances one millisecond, and runs the timers that are due. */
  async advance(): Promise<void> {
    this.now++;
    const due = this.#due.filter(({ at }) => at <= this.now);
    this.#due = this.#due.filter(({ at }) => at > this.now);
    for (const { run } of due) run();
    if (due.length > 0 || this.now % 50 === 0) await new Promise(setImmediate);
  }
}

/** The token bucket of the Valkey script in TypeScript. It uses a fake clock and a configurable latency per direction. */
export class FakeBucket {
  reachable = true;
  granted = 0;
  readonly draws: Draw[] = [];
  readonly #time: FakeTime;
  readonly #perSecond: number;
  readonly #distance: () => number;
  #tokens = 0;
  #at = 0;
  readonly #lastSeen = new Map<number, number>();

  constructor(time: FakeTime, perSecond: number, distance: () => number) {
    this.#time = time;
    this.#perSecond = perSecond;
    this.#distance = distance;
  }

  replica(id: number): Leases {
    const draw = (asked: Draw): Promise<Lease> =>
      new Promise((resolve, reject) => {
        this.#time.after(this.#distance(), () => {
          if (!this.reachable) reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }));
          const lease = this.#grant(id, asked);
          this.#time.after(this.#distance(), () => resolve(lease));
        });
      });
    return { draw, close: () => Promise.resolve(void this.#lastSeen.delete(id)) };
  }

  #grant(id: number, asked: Draw): Lease {
    const { now } = this.#time;
    this.draws.push(asked);
    this.#lastSeen.set(id, asked.sharing ? now : now - PRESENT_MS);
    for (const [other, at] of this.#lastSeen) if (at <= now - REMEMBERED_MS) this.#lastSeen.delete(other);
    const replicas = Math.max(this.#lastSeen.size, asked.knownReplicas);
    const drawing = [...this.#lastSeen.values()].filter((at) => at > now - PRESENT_MS).length;
    const perMs = (this.#perSecond * drawing) / replicas / 1000;
    const capacity = Math.max(1, this.#perSecond * BURST_SECONDS);
    this.#tokens = Math.min(capacity, this.#tokens + (now - this.#at) * perMs);
    this.#at = now;
    const granted = Math.min(asked.wanted, Math.max(1, Math.floor(this.#tokens / Math.max(1, drawing))));
    const waitMs = this.#tokens < granted ? Math.ceil((granted - this.#tokens) / perMs) : 0;
    if (waitMs > MAX_AHEAD_MS) return { granted: 0, waitMs: MAX_AHEAD_MS, replicas };
    this.#tokens -= granted;
    this.granted += granted;
    return { granted, waitMs, replicas };
  }
}

/** Returns the largest number of times within one second. `times` are ascending milliseconds. */
export function mostInASecond(times: readonly number[]): number {
  let most = 0;
  let from = 0;
  for (const [index, at] of times.entries()) {
    while ((times[from] ?? at) <= at - 1000) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
