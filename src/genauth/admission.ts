import type { Deadline } from '../deadline';
import type { RateLimit } from './tokenBucket';

/** Writes go first, and have room of their own, so that no number of reads can keep an unlink from being sent. */
export type Lane = 'writes' | 'reads';

/** The call was not admitted; nothing of it was sent. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError';
  /** `overloaded`: the queue is full, or the call waited too long. `paused`: GenAuth asked for fewer calls. */
  readonly reason: 'overloaded' | 'paused' | 'deadline';
  /** Milliseconds after which a retry may succeed; null where that is not known. */
  readonly retryAfterMs: number | null;

  constructor(reason: AdmissionError['reason'], retryAfterMs: number | null = null) {
    super(reason);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Permission to send one call. It takes up room until it is released. */
export class Turn {
  #onRelease: (() => void) | null;

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease;
  }

  /** Makes room for the next call. Releasing again does nothing. */
  release(): void {
    const onRelease = this.#onRelease;
    this.#onRelease = null;
    onRelease?.();
  }
}

export interface AdmissionOptions {
  /** Maximum number of concurrent calls, both lanes together. */
  maxConcurrency: number;
  rateLimit: RateLimit;
}

/** Bounds of a queue. Longer ones only delay every call: what cannot be sent soon is rejected while a retry still helps. */
const MAX_WAITING = 256;
const MAX_WAIT_MS = 2_000;
/** The part of the concurrency that reads may not take. */
const KEPT_FOR_WRITES = 1 / 8;

interface Waiting {
  admit: () => void;
  reject: (error: AdmissionError) => void;
}

/**
 * Decides when a call may be sent: bounded concurrency, a rate, and a pause when GenAuth asks for one. Other calls queue,
 * in a queue that is bounded in length and in time; the wait counts against the caller's deadline.
 */
export class Admission {
  readonly #limits: Readonly<Record<Lane, number>>;
  readonly #rateLimit: RateLimit;
  readonly #queues: Readonly<Record<Lane, Set<Waiting>>> = { writes: new Set(), reads: new Set() };
  readonly #underWay: Record<Lane, number> = { writes: 0, reads: 0 };
  #pausedUntil = 0;
  #isTimerSet = false;

  constructor({ maxConcurrency, rateLimit }: AdmissionOptions) {
    const kept = maxConcurrency > 1 ? Math.max(1, Math.floor(maxConcurrency * KEPT_FOR_WRITES)) : 0;
    this.#limits = { writes: maxConcurrency, reads: maxConcurrency - kept };
    this.#rateLimit = rateLimit;
  }

  /** Number of calls in the queues. */
  get waiting(): number {
    return this.#queues.writes.size + this.#queues.reads.size;
  }

  /**
   * Waits until a call may be sent.
   *
   * @throws {AdmissionError}
   */
  async enter(lane: Lane, deadline: Deadline): Promise<Turn> {
    if (deadline.aborted) throw new AdmissionError('deadline');
    const pauseMs = this.#pausedUntil - performance.now();
    if (pauseMs > MAX_WAIT_MS) throw new AdmissionError('paused', Math.ceil(pauseMs));
    if (this.#queues[lane].size >= MAX_WAITING) throw new AdmissionError('overloaded', MAX_WAIT_MS);
    if (this.waiting === 0 && this.#hasRoom(lane) && pauseMs <= 0 && this.#rateLimit.take() === 0) {
      return this.#begin(lane);
    }
    return this.#wait(lane, deadline);
  }

  /** Admits no call for some milliseconds. Calls that cannot wait that long are rejected. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
    if (ms <= MAX_WAIT_MS) return;
    for (const waiting of [...this.#queues.writes, ...this.#queues.reads]) {
      waiting.reject(new AdmissionError('paused', Math.ceil(ms)));
    }
  }

  #begin(lane: Lane): Turn {
    this.#underWay[lane]++;
    return new Turn(() => {
      this.#underWay[lane]--;
      this.#admitNext();
    });
  }

  #wait(lane: Lane, deadline: Deadline): Promise<Turn> {
    return new Promise((resolve, reject) => {
      const leaveQueue = (): void => {
        clearTimeout(timer);
        deadline.removeEventListener('abort', onAbort);
        this.#queues[lane].delete(waiting);
      };
      const waiting: Waiting = {
        admit: () => {
          leaveQueue();
          resolve(this.#begin(lane));
        },
        reject: (error) => {
          leaveQueue();
          reject(error);
        },
      };
      const onAbort = (): void => waiting.reject(new AdmissionError('deadline'));
      const timer = setTimeout(() => waiting.reject(new AdmissionError('overloaded', MAX_WAIT_MS)), MAX_WAIT_MS);
      deadline.addEventListener('abort', onAbort, { once: true });
      this.#queues[lane].add(waiting);
      this.#admitNext();
    });
  }

  /** Admits calls for as long as there is room, the rate allows it, and no pause is on. */
  #admitNext(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const pauseMs = this.#pausedUntil - performance.now();
      const waitMs = pauseMs > 0 ? Math.ceil(pauseMs) : this.#rateLimit.take();
      if (waitMs > 0) {
        this.#admitNextAfter(waitMs);
        return;
      }
      next.admit();
    }
  }

  #admitNextAfter(ms: number): void {
    if (this.#isTimerSet) return;
    this.#isTimerSet = true;
    setTimeout(() => {
      this.#isTimerSet = false;
      this.#admitNext();
    }, ms);
  }

  /** The next call in the queues, if there is room for it. */
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
