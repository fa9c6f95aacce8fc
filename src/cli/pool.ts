import { StopError } from './errors';

/** Runs tasks concurrently. An error of a task stops the run. */
export class Pool {
  readonly #size: number;
  readonly #stop: AbortController;
  readonly #tasks = new Set<Promise<void>>();

  constructor(size: number, stop: AbortController) {
    this.#size = size;
    this.#stop = stop;
  }

  /** Resolves when the task has begun: when another one ends, if there are as many as the pool has places. */
  async start(task: () => Promise<void>): Promise<void> {
    while (this.#tasks.size >= this.#size) await Promise.race(this.#tasks);
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

/** Returns the number of concurrent users of a run: a request takes up to half a second. */
export function workersFor(rate: number): number {
  return Math.min(64, Math.max(1, Math.ceil(rate / 2)));
}
