import { setTimeout as delay } from 'node:timers/promises';

/**
 * Spaces the requests of a run evenly, and makes all of them wait while the supergraph asks for a pause. Without a success in
 * between, pauses get longer: 0.25 s, 0.5 s and so on, up to 30 s.
 */
export class Pace {
  readonly #intervalMs: number;
  #nextAt = 0;
  #resumeAt = 0;
  #failures = 0;
  #successes = 0;

  /** @param rate Requests per second. */
  constructor(rate: number) {
    this.#intervalMs = 1_000 / rate;
  }

  /** The number of successful requests so far. */
  get successes(): number {
    return this.#successes;
  }

  /** How long all requests wait now, in milliseconds. */
  get pausedForMs(): number {
    return Math.max(0, this.#resumeAt - performance.now());
  }

  /** Resolves when the next request may be sent. @throws The reason of the signal. */
  async turn(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const now = performance.now();
      if (now >= this.#resumeAt) {
        const at = Math.max(now, this.#nextAt);
        this.#nextAt = at + this.#intervalMs;
        if (at > now) await wait(at - now, signal);
        // A pause may have begun meanwhile.
        if (performance.now() >= this.#resumeAt) return;
      } else {
        await wait(this.#resumeAt - now, signal);
      }
    }
  }

  succeeded(): void {
    this.#failures = 0;
    this.#successes++;
  }

  /** Makes all requests wait. Failures of concurrent requests count once. @param retryAfterMs The least duration. */
  pause(retryAfterMs: number): void {
    const now = performance.now();
    if (now >= this.#resumeAt) this.#failures++;
    const backoffMs = Math.min(MAX_BACKOFF_MS, 250 * 2 ** (this.#failures - 1));
    this.#resumeAt = Math.max(this.#resumeAt, now + Math.max(retryAfterMs, backoffMs));
  }
}

const MAX_BACKOFF_MS = 30_000;

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
