import type { Concurrency } from './concurrency';
import { StopError } from './errors';

/** Runs tasks concurrently. An error of a task stops the run. */
export class Pool {
  readonly #concurrency: Concurrency;
  readonly #stop: AbortController;
  readonly #tasks = new Set<Promise<void>>();

  constructor(concurrency: Concurrency, stop: AbortController) {
    this.#concurrency = concurrency;
    this.#stop = stop;
  }

  /** Resolves when the task has begun: when another one ends, if there are as many as permitted. */
  async start(task: () => Promise<void>): Promise<void> {
    while (this.#tasks.size >= this.#concurrency.limit) await Promise.race(this.#tasks);
    if (this.#stop.signal.aborted) return;
    const running: Promise<void> = task()
      .catch((error: unknown) => this.#stop.abort(error))
      .finally(() => this.#tasks.delete(running));
    this.#tasks.add(running);
  }

  /**
   * Waits for all tasks.
   *
   * @returns Why the run was stopped. Null: it was not.
   * @throws An unexpected error of a task.
   */
  async drain(): Promise<StopError | null> {
    await Promise.all(this.#tasks);
    if (!this.#stop.signal.aborted) return null;
    const reason: unknown = this.#stop.signal.reason;
    if (reason instanceof StopError) return reason;
    throw reason;
  }
}
