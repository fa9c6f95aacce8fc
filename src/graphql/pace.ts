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
  /** Whether a turn is planned that releases those who wait. */
  #isPlanned = false;

  /** Whether this turn has been used for its share of time. */
  get isDue(): boolean {
    if (this.#turnStart !== null) return performance.now() - this.#turnStart > SLICE_MS;
    this.#beginTurn();
    return false;
  }

  /** Waits for a later turn. Waits end in their order, as many in a turn as its share of time allows. */
  rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#plan();
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

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => void this.#release());
  }

  async #release(): Promise<void> {
    this.#beginTurn();
    do {
      this.#waiting.shift()?.();
      // The response that was released goes on now, until it is complete or waits again.
      await Promise.resolve();
    } while (this.#waiting.length > 0 && !this.isDue);
    this.#isPlanned = false;
    if (this.#waiting.length > 0) this.#plan();
  }
}

/** The pace of this process, which has one event loop. */
export const pace = new Pace();
