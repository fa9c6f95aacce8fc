import type { Deadline } from '../deadline';
import type { RateLimit } from './tokenBucket';

/** Writes go first, and have room of their own, so that no number of reads can keep an unlink from being sent. */
export type Lane = 'writes' | 'reads';

/** The call was not let through; nothing of it was sent. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError';
  /** `overloaded`: too much is waiting here, or it waited too long. `paused`: GenAuth asked for fewer calls. */
  readonly reason: 'overloaded' | 'paused' | 'deadline';
  /** Milliseconds after which another try has a chance; null where nothing can be said. */
  readonly retryAfterMs: number | null;

  constructor(reason: AdmissionError['reason'], retryAfterMs: number | null = null) {
    super(reason);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface AdmissionOptions {
  /** Calls under way at once, both lanes together. */
  maxConcurrency: number;
  rateLimit: RateLimit;
}

/** Longer queues only make everybody late: what cannot be sent soon is refused while it can still be sent elsewhere. */
const MAX_WAITING = 256;
const MAX_WAIT_MS = 2_000;
/** The part of the concurrency that reads may not take. */
const KEPT_FOR_WRITES = 1 / 8;

interface Waiting {
  lane: Lane;
  admit: () => void;
  refuse: (error: AdmissionError) => void;
}

/**
 * Decides when a call may go out: bounded concurrency, a rate, and a pause when GenAuth asks for one. What has to wait
 * waits in a queue that is short in length and in time, and a caller's own deadline counts all of it.
 */
export class Admission {
  readonly #limits: Readonly<Record<Lane, number>>;
  readonly #rateLimit: RateLimit;
  readonly #queues: Readonly<Record<Lane, Set<Waiting>>> = { writes: new Set(), reads: new Set() };
  readonly #underWay: Record<Lane, number> = { writes: 0, reads: 0 };
  #pausedUntil = 0;
  #willTryAgain = false;

  constructor({ maxConcurrency, rateLimit }: AdmissionOptions) {
    const kept = maxConcurrency > 1 ? Math.max(1, Math.floor(maxConcurrency * KEPT_FOR_WRITES)) : 0;
    this.#limits = { writes: maxConcurrency, reads: maxConcurrency - kept };
    this.#rateLimit = rateLimit;
  }

  /** Calls that wait. */
  get waiting(): number {
    return this.#queues.writes.size + this.#queues.reads.size;
  }

  /**
   * Waits until a call may go out. Whoever was let in has to `leave`.
   *
   * @returns null where it may at once.
   * @throws {AdmissionError} By the promise.
   */
  enter(lane: Lane, deadline: Deadline): Promise<void> | null {
    if (deadline.aborted) return Promise.reject(new AdmissionError('deadline'));
    const pauseMs = this.#pausedUntil - performance.now();
    if (pauseMs > MAX_WAIT_MS) return Promise.reject(new AdmissionError('paused', Math.ceil(pauseMs)));
    if (this.#queues[lane].size >= MAX_WAITING) return Promise.reject(new AdmissionError('overloaded', MAX_WAIT_MS));
    if (this.waiting === 0 && this.#hasRoom(lane) && pauseMs <= 0 && this.#rateLimit.take() === 0) {
      this.#underWay[lane]++;
      return null;
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        deadline.removeEventListener('abort', onAbort);
        this.#queues[lane].delete(waiting);
      };
      const waiting: Waiting = {
        lane,
        admit: () => {
          settle();
          this.#underWay[lane]++;
          resolve();
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      };
      const onAbort = (): void => waiting.refuse(new AdmissionError('deadline'));
      const timer = setTimeout(() => waiting.refuse(new AdmissionError('overloaded', MAX_WAIT_MS)), MAX_WAIT_MS);
      deadline.addEventListener('abort', onAbort, { once: true });
      this.#queues[lane].add(waiting);
      this.#letIn();
    });
  }

  leave(lane: Lane): void {
    this.#underWay[lane]--;
    this.#letIn();
  }

  /** Lets nobody in for so long. What cannot wait that long is refused. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
    if (ms <= MAX_WAIT_MS) return;
    for (const waiting of [...this.#queues.writes, ...this.#queues.reads]) {
      waiting.refuse(new AdmissionError('paused', Math.ceil(ms)));
    }
  }

  #letIn(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const pauseMs = this.#pausedUntil - performance.now();
      const waitMs = pauseMs > 0 ? Math.ceil(pauseMs) : this.#rateLimit.take();
      if (waitMs > 0) {
        this.#tryAgainAfter(waitMs);
        return;
      }
      next.admit();
    }
  }

  #tryAgainAfter(ms: number): void {
    if (this.#willTryAgain) return;
    this.#willTryAgain = true;
    setTimeout(() => {
      this.#willTryAgain = false;
      this.#letIn();
    }, ms);
  }

  /** Who comes next of those there is room for. */
  #next(): Waiting | undefined {
    const [write] = this.#queues.writes;
    if (write !== undefined) return this.#hasRoom('writes') ? write : undefined;
    const [read] = this.#queues.reads;
    return this.#hasRoom('reads') ? read : undefined;
  }

  #hasRoom(lane: Lane): boolean {
    const { writes, reads } = this.#underWay;
    return writes + reads < this.#limits.writes && (lane === 'writes' || reads < this.#limits.reads);
  }
}
