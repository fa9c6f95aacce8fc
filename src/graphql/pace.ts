/** How long one turn of the event loop may be used to make large responses, in milliseconds. */
const SLICE_MS = 20;

/** A response with more users than this waits for another turn of the event loop. */
export const LARGE = 50;

/**
 * Lets other requests run while large responses are made. All responses of the process share a turn of the event loop: if many
 * reads end in the same turn, as when GenAuth does not respond, their responses are made in many turns.
 */
class Pace {
  /** When this turn was first used, by `performance.now()`. Null: it has not been used. */
  #turnStart: number | null = null;
  readonly #waiting: (() => void)[] = [];

  /** Whether this turn has been used for its share of time. */
  get isDue(): boolean {
    if (this.#turnStart !== null) return performance.now() - this.#turnStart > SLICE_MS;
    this.#beginTurn();
    return false;
  }

  /** Waits for a later turn. Waits end in their order, one in each turn. */
  rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(() => this.#release());
    });
  }

  /** Waits if this turn has been used for its share of time, or if others wait. */
  async restIfDue(): Promise<void> {
    if (this.isDue || this.#waiting.length > 0) await this.rest();
  }

  #beginTurn(): void {
    this.#turnStart = performance.now();
    setImmediate(() => (this.#turnStart = null));
  }

  #release(): void {
    this.#beginTurn();
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(() => this.#release());
  }
}

/** The pace of this process, which has one event loop. */
export const pace = new Pace();
