import { type Deadline, untilAborted } from '../deadline';

export interface CachedOptions<Value> {
  /** Reads the value. The read has a time limit of its own, because its result serves many requests. */
  read: () => Promise<Value>;
  /** Milliseconds for which a value is used without another read. */
  freshMs: number;
  /** Milliseconds after which a value is no longer used, even if it cannot be read again. */
  maxAgeMs: number;
  /** Milliseconds between two attempts while reading fails. */
  retryAfterMs: number;
}

/**
 * One value that all requests share, such as the list of identity sources.
 *
 * Concurrent readers share one read. If the value cannot be read again, the last one is used until `maxAgeMs`, and the read
 * is attempted again after `retryAfterMs`.
 */
export class Cached<Value> {
  readonly #options: CachedOptions<Value>;
  #last: { value: Value; readAt: number } | null = null;
  #failure: { error: unknown; at: number } | null = null;
  #pending: Promise<Value> | null = null;

  constructor(options: CachedOptions<Value>) {
    this.#options = options;
  }

  /**
   * Returns the value, reading it if necessary.
   *
   * @param maxAgeMs Default: that of the options. Maximum age of a value that cannot be read again.
   * @throws {DeadlineError} The deadline passed while the value was being read.
   * @throws The error of `read`, if there is no value that may still be used.
   */
  async get(deadline: Deadline, maxAgeMs = this.#options.maxAgeMs): Promise<Value> {
    const { freshMs, retryAfterMs } = this.#options;
    const now = performance.now();
    const age = this.#last === null ? Infinity : now - this.#last.readAt;
    if (this.#last !== null && age < freshMs) return this.#last.value;
    const usable = this.#last !== null && age < maxAgeMs ? this.#last : null;
    if (this.#failure !== null && now - this.#failure.at < retryAfterMs) {
      if (usable !== null) return usable.value;
      throw this.#failure.error;
    }
    try {
      return await untilAborted((this.#pending ??= this.#read()), deadline);
    } catch (error) {
      if (usable !== null) return usable.value;
      throw error;
    }
  }

  async #read(): Promise<Value> {
    try {
      const value = await this.#options.read();
      this.#last = { value, readAt: performance.now() };
      this.#failure = null;
      return value;
    } catch (error) {
      this.#failure = { error, at: performance.now() };
      throw error;
    } finally {
      this.#pending = null;
    }
  }
}
