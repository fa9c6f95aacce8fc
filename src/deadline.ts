/** Ends a wait. An `AbortSignal` is a deadline; a `TimeLimit` is one that costs a tenth as much. */
export interface Deadline {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The deadline passed during a wait. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';

  constructor() {
    super('the deadline has passed');
  }
}

/**
 * A deadline after some milliseconds. One is made for every request, and nearly all requests end earlier: an `AbortSignal`
 * would take 7 µs of CPU time, and keep its memory until the time is up.
 */
export class TimeLimit implements Deadline {
  readonly #timer: NodeJS.Timeout;
  #listeners: Set<() => void> | undefined;
  #aborted = false;

  constructor(ms: number) {
    this.#timer = setTimeout(() => {
      this.#aborted = true;
      for (const listener of this.#listeners ?? []) listener();
      this.#listeners = undefined;
    }, ms);
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Cancels the time limit: no wait is ended by it any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#listeners = undefined;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners?.delete(listener);
  }
}

/**
 * Waits for a promise until a deadline passes. The work behind the promise is not stopped.
 *
 * @throws {DeadlineError}
 */
export function untilAborted<T>(promise: Promise<T>, deadline: Deadline): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new DeadlineError());
    if (deadline.aborted) onAbort();
    deadline.addEventListener('abort', onAbort, { once: true });
    const settled =
      <Result>(settle: (result: Result) => void) =>
      (result: Result): void => {
        deadline.removeEventListener('abort', onAbort);
        settle(result);
      };
    promise.then(settled(resolve), settled(reject));
  });
}

/**
 * Waits for some milliseconds.
 *
 * @throws {DeadlineError}
 */
export function pause(ms: number, deadline: Deadline): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return untilAborted(passed, deadline).finally(() => clearTimeout(timer));
}
