/** What one success earns: repeated calls are at most this part of all calls, however much fails. */
const EARNED_BY_SUCCESS = 0.1;
/** Enough to ride out a hiccup of a process that has just started. */
const AT_START = 10;
const MAX = 100;

/**
 * How many calls may be repeated, over all requests of the process: an outage then costs GenAuth a tenth more calls, not
 * twice as many.
 */
export class RetryBudget {
  #left = AT_START;

  /** Repeats left. */
  get left(): number {
    return Math.floor(this.#left);
  }

  succeeded(): void {
    this.#left = Math.min(MAX, this.#left + EARNED_BY_SUCCESS);
  }

  /** Spends one repeat. @returns Whether there was one left. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
