/** How many calls may still go out. Whoever shares one pool of GenAuth's shares one of these. */
export interface RateLimit {
  /**
   * Takes one call if there is one.
   *
   * @returns 0 when it was taken; else the milliseconds after which to ask again.
   */
  take(): number;
}

/** The share of a second's calls that may go out at once: what comes in bursts is still within GenAuth's own second. */
const BURST_SECONDS = 0.1;

/**
 * Makes a token bucket: `perSecond` calls, of which a tenth may go out at once.
 *
 * @param now Default `performance.now`. Milliseconds that never go back.
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
