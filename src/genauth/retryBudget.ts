/** Retries that one success earns. In an outage of any size, retries are at most this part of all calls. */
const EARNED_BY_SUCCESS = 0.1;
/** Retries that a new process may make before its first successes. */
const AT_START = 10;
/** Maximum number of retries that successes can save up. */
const MAX = 100;

/** Limits the retries of all requests of the process. In an outage, GenAuth gets a tenth more calls instead of twice as many. */
export class RetryBudget {
  #left = AT_START;

  /** Number of retries that are left. */
  get left(): number {
    return Math.floor(this.#left);
  }

  succeeded(): void {
    this.#left = Math.min(MAX, this.#left + EARNED_BY_SUCCESS);
  }

  /** Spends one retry. @returns Whether one was left. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
