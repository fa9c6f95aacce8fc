import { setTimeout as pause } from 'node:timers/promises';

export interface ShutdownOptions {
  /** Milliseconds to go on serving while balancers notice. */
  drainDelayMs: number;
  /** Milliseconds to wait after that for requests under way. */
  drainTimeoutMs: number;
  /** Takes no more connections, and resolves when the requests under way are answered. */
  closeListener: () => Promise<void>;
  /** Writes down what is cut off. */
  abandon: () => Promise<void>;
  /** Flushes and ends everything else. */
  closeRest: () => Promise<void>;
}

/** How the process leaves: once, in order, and without losing an unlink. */
export class Shutdown {
  readonly #options: ShutdownOptions;
  #state: 'serving' | 'draining' | 'closing' = 'serving';
  #done: Promise<boolean> | undefined;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** From the signal on: not ready, and answers end their connection. */
  get draining(): boolean {
    return this.#state !== 'serving';
  }

  /** Nothing more is taken; what still arrives on old connections is refused. */
  get closing(): boolean {
    return this.#state === 'closing';
  }

  /**
   * Leaves. Asking again changes nothing.
   *
   * @returns Whether everything under way was answered in time.
   */
  leave(): Promise<boolean> {
    this.#done ??= this.#leave();
    return this.#done;
  }

  async #leave(): Promise<boolean> {
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
