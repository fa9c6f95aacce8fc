/**
 * A token bucket: as many calls per second, in bursts of as many.
 */
export class RateLimit {
  #left = Infinity;
  #at = 0;

  /**
   * Takes one call out of the bucket.
   *
   * @param qps Calls per second. 0 or Infinity: no limit.
   * @param now Milliseconds of a clock that never goes back.
   * @returns Whether there was one left.
   */
  take(qps: number, now = performance.now()): boolean {
    if (qps === 0 || qps === Infinity) return true;
    // A bucket holds at least one call, or a rate below one per second would let nothing through.
    this.#left = Math.min(Math.max(qps, 1), this.#left + ((now - this.#at) * qps) / 1000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
