import { setTimeout as pause } from 'node:timers/promises';

export interface ShutdownOptions {
  /** Milliseconds to keep serving while load balancers notice that the process is not ready. */
  drainDelayMs: number;
  /** Milliseconds to wait after that for requests in flight. */
  drainTimeoutMs: number;
  /** Accepts no more connections. Resolves when every request in flight has its response. */
  closeListener: () => Promise<void>;
  /** Records the writes that are interrupted. */
  abandon: () => Promise<void>;
  /** Flushes and closes everything else. */
  closeRest: () => Promise<void>;
}

/** The shutdown of the process: drains, closes the listener, and records the outcome of every write. */
export class Shutdown {
  readonly #options: ShutdownOptions;
  #state: 'serving' | 'draining' | 'closing' = 'serving';
  #done: Promise<boolean> | undefined;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** Whether shutdown has begun: the process is not ready, and responses end their connections. */
  get draining(): boolean {
    return this.#state !== 'serving';
  }

  /** Whether requests that still arrive on open connections are rejected. */
  get closing(): boolean {
    return this.#state === 'closing';
  }

  /**
   * Shuts down. Further calls return the same promise.
   *
   * @returns Whether every request in flight had its response in time.
   */
  begin(): Promise<boolean> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<boolean> {
    const { drainDelayMs, drainTimeoutMs, closeListener, abandon, closeRest } = this.#options;
    this.#state = 'draining';
    await pause(drainDelayMs);
    this.#state = 'closing';
    const timeout = new AbortController();
    const inTime = await Promise.race([
      closeListener().then(() => true),
      pause(drainTimeoutMs, false, { signal: timeout.signal }).catch(() => false),
    ]);
    timeout.abort();
    if (!inTime) await abandon();
    await closeRest();
    return inTime;
  }
}
