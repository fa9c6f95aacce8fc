/** More concurrent requests do not make a run faster, and delay the pages that the supergraph serves. */
const MAX = 64;
const INITIAL = 2;
/**
 * A latency beyond twice the lowest one, and this, is caused by waiting, in milliseconds. The subgraph itself lets the two reads
 * of a write wait for those of others, up to 40 ms each.
 */
const TOLERANCE_MS = 100;
/** The lowest latency is that of the last one or two periods of this length, in milliseconds. */
const PERIOD_MS = 30_000;

/**
 * The number of concurrent mutations. It grows while the latency stays near the lowest one, and shrinks when requests begin to
 * wait, as TCP Vegas does. So a supergraph that is busy with pages gets fewer of them.
 *
 * @see https://en.wikipedia.org/wiki/TCP_Vegas
 */
export class Concurrency {
  #limit = INITIAL * 2;
  readonly #max: number;
  /** While true, the limit doubles in the time of one request. */
  #isStarting = true;
  #latencyMs: number | undefined;
  #lowestMs = Infinity;
  #lowestBeforeMs = Infinity;
  #periodEndsAt = 0;
  #mayShrinkAt = 0;

  /** @param rate Requests per second. A request takes up to half a second. */
  constructor(rate: number) {
    this.#max = Math.min(MAX, Math.max(1, Math.ceil(rate / 2)));
  }

  get limit(): number {
    return Math.min(this.#max, Math.max(1, Math.floor(this.#limit)));
  }

  /** Adds the latency of a mutation. @param now By `performance.now()`. */
  observe(latencyMs: number, now = performance.now()): void {
    this.#latencyMs = this.#latencyMs === undefined ? latencyMs : 0.8 * this.#latencyMs + 0.2 * latencyMs;
    if (now >= this.#periodEndsAt) {
      this.#periodEndsAt = now + PERIOD_MS;
      [this.#lowestBeforeMs, this.#lowestMs] = [this.#lowestMs, Infinity];
      // With fewer requests, the latency is that of a request that does not wait for others.
      this.#limit /= 2;
    }
    this.#lowestMs = Math.min(this.#lowestMs, latencyMs);
    const isWaiting = this.#latencyMs > 2 * Math.min(this.#lowestMs, this.#lowestBeforeMs) + TOLERANCE_MS;
    if (!isWaiting) this.#limit = Math.min(this.#max, this.#limit + (this.#isStarting ? 1 : 1 / this.#limit));
    else if (now >= this.#mayShrinkAt) {
      this.#isStarting = false;
      this.#limit = Math.max(1, 0.7 * this.#limit);
      // Until the requests that were sent before have ended.
      this.#mayShrinkAt = now + this.#latencyMs;
    }
  }
}
