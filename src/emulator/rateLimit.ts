/** A token bucket, whose burst is the number of calls per second. */
export class RateLimit {
  #left = Infinity;
  #at = 0;

  /**
   * Takes one call from the bucket.
   *
   * @param qps Calls per second. 0 or Infinity: no limit.
   * @param now Default: now. Milliseconds of a monotonic clock.
   * @returns Whether the call is within the limit.
   */
  take(qps: number, now = performance.now()): boolean {
    if (qps === 0 || qps === Infinity) return true;
    // The bucket holds at least one call. Otherwise a rate below one per second would let no call pass.
    this.#left = Math.min(Math.max(qps, 1), this.#left + ((now - this.#at) * qps) / 1000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
