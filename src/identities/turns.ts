/**
 * Lets the writes of one user run one after another. Two concurrent writes could not be told apart if a response is lost.
 *
 * A write waits no longer than its own deadline allows: the writes before it started earlier, and have earlier deadlines.
 */
export class Turns {
  /** Users with a write in progress, and the writes that wait for its end. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Number of users with a write in progress. */
  get running(): number {
    return this.#waiting.size;
  }

  async run<Result>(userId: string, write: () => Promise<Result>): Promise<Result> {
    const waiting = this.#waiting.get(userId);
    if (waiting === undefined) this.#waiting.set(userId, []);
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await write();
    } finally {
      const next = this.#waiting.get(userId)?.shift();
      if (next === undefined) this.#waiting.delete(userId);
      else next();
    }
  }
}
