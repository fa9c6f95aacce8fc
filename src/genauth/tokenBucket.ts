/** Limits the rate of calls. All clients of one user pool share one limit. */
export interface RateLimit {
  /**
   * Takes permission for one call, if there is any.
   *
   * @returns 0 when it was taken, otherwise the milliseconds after which to try again.
   */
  take(): number;
}

/** The calls that may be sent at once, as a part of a second's calls. Small, because GenAuth counts calls per second. */
const BURST_SECONDS = 0.1;

/**
 * Makes a token bucket of `perSecond` calls, a tenth of which may be sent at once.
 *
 * @param now Default: `performance.now`. Monotonic milliseconds.
 */
export function createTokenBucket(perSecond: number, now: () => number = () => performance.now()): RateLimit {
  const capacity = Math.max(1, perSecond * BURST_SECONDS);
  let tokens = capacity;
  let at = now();
  return {
    take() {
      const time = now();
      tokens = Math.min(capacity, tokens + ((time - at) / 1000) * perSecond);
      at = time;
      if (tokens < 1) return Math.max(1, Math.ceil(((1 - tokens) / perSecond) * 1000));
      tokens -= 1;
      return 0;
    },
  };
}
