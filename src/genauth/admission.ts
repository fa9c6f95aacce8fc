import type { Deadline } from '../deadline';
import type { RateLimit } from './tokenBucket';

/** Each lane has room and a part of the rate of its own, so that no number of reads can hold up writes, or the reverse. */
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

/** Bounds of a queue. A longer queue only delays every call: a call that cannot be sent soon is rejected while a retry helps. */
const MAX_WAITING = 256;
const MAX_WAIT_MS = 2_000;
/** The part of the concurrency that one lane leaves to the other. */
const KEPT_FOR_OTHER_LANE = 1 / 8;
/** Writes go first, but while reads wait, every fourth call is a read. So each lane has at least a quarter of the rate. */
const MAX_WRITES_IN_A_ROW = 3;
/** Bounds of the estimate of when a queue has room again. */
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 10_000;

/** `first`: calls that other calls wait for. */
type Queue = Lane | 'first';

interface Waiting {
  admit: () => void;
  reject: (error: AdmissionError) => void;
}

/**
 * Decides when a call may be sent: it bounds the concurrency and the rate, and pauses when GenAuth asks for a pause. Other
 * calls queue. Each queue is bounded in length and in time, and the wait counts against the caller's deadline.
 */
export class Admission {
  readonly #maxConcurrency: number;
  /** Maximum number of concurrent calls of one lane. */
  readonly #maxOfLane: number;
  readonly #rateLimit: RateLimit;
  readonly #queues: Readonly<Record<Queue, Set<Waiting>>> = {
    first: new Set(),
    writes: new Set(),
    reads: new Set(),
  };
  readonly #underWay: Record<Lane, number> = { writes: 0, reads: 0 };
  #writesInARow = 0;
  readonly #throughput = new Throughput();
  #pausedUntil = 0;
  #isTimerSet = false;

  constructor({ maxConcurrency, rateLimit }: AdmissionOptions) {
    const kept = maxConcurrency > 1 ? Math.max(1, Math.floor(maxConcurrency * KEPT_FOR_OTHER_LANE)) : 0;
    this.#maxConcurrency = maxConcurrency;
    this.#maxOfLane = maxConcurrency - kept;
    this.#rateLimit = rateLimit;
  }

  /** Number of calls in the queues. */
  get waiting(): number {
    return this.#queues.first.size + this.#queues.writes.size + this.#queues.reads.size;
  }

  /** Milliseconds until the pause ends that GenAuth asked for; 0 without a pause. */
  get pauseMs(): number {
    return Math.max(0, this.#pausedUntil - performance.now());
  }

  /**
   * Waits until a call may be sent.
   *
   * @throws {AdmissionError}
   */
  async enter(lane: Lane, deadline: Deadline): Promise<Turn> {
    this.#check(lane, deadline);
    if (this.waiting === 0 && this.#hasRoom(lane) && this.#mayGo()) return this.#begin(lane);
    return this.#wait(lane, deadline, () => this.#begin(lane));
  }

  /**
   * Waits until the rate allows a call, before all calls of both lanes. It takes up no room.
   *
   * @throws {AdmissionError}
   */
  async enterFirst(deadline: Deadline): Promise<void> {
    this.#check('first', deadline);
    if (this.#queues.first.size === 0 && this.#mayGo()) return;
    return this.#wait('first', deadline, () => undefined);
  }

  /** Admits no call for some milliseconds. Calls that cannot wait that long are rejected. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
    if (ms <= MAX_WAIT_MS) return;
    for (const waiting of Object.values(this.#queues).flatMap((queue) => Array.from(queue))) {
      waiting.reject(new AdmissionError('paused', Math.ceil(ms)));
    }
  }

  #check(queue: Queue, deadline: Deadline): void {
    if (deadline.aborted) throw new AdmissionError('deadline');
    if (this.pauseMs > MAX_WAIT_MS) throw new AdmissionError('paused', Math.ceil(this.pauseMs));
    if (this.#queues[queue].size >= MAX_WAITING) throw this.#overloaded(queue);
  }

  /** Takes permission for one call, unless there is a pause or the rate is used up. @returns Whether it was taken. */
  #mayGo(): boolean {
    return this.pauseMs === 0 && this.#rateLimit.take() === 0;
  }

  #begin(lane: Lane): Turn {
    this.#underWay[lane]++;
    this.#throughput.add();
    this.#writesInARow = lane === 'writes' ? this.#writesInARow + 1 : 0;
    return new Turn(() => {
      this.#underWay[lane]--;
      this.#admitNext();
    });
  }

  #wait<Result>(queue: Queue, deadline: Deadline, begin: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const leaveQueue = (): void => {
        clearTimeout(timer);
        deadline.removeEventListener('abort', onAbort);
        this.#queues[queue].delete(waiting);
      };
      const waiting: Waiting = {
        admit: () => {
          leaveQueue();
          resolve(begin());
        },
        reject: (error) => {
          leaveQueue();
          reject(error);
        },
      };
      const onAbort = (): void => waiting.reject(new AdmissionError('deadline'));
      const timer = setTimeout(() => waiting.reject(this.#overloaded(queue)), MAX_WAIT_MS);
      deadline.addEventListener('abort', onAbort, { once: true });
      this.#queues[queue].add(waiting);
      this.#admitNext();
    });
  }

  /** Admits calls for as long as there is room, the rate allows it, and there is no pause. */
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

  /** The next call in the queues for which there is room. */
  #next(): Waiting | undefined {
    const { first, writes, reads } = this.#queues;
    const [urgent] = first;
    if (urgent !== undefined) return urgent;
    const [write] = this.#hasRoom('writes') ? writes : [];
    const [read] = this.#hasRoom('reads') ? reads : [];
    return write === undefined || (read !== undefined && this.#writesInARow >= MAX_WRITES_IN_A_ROW) ? read : write;
  }

  #hasRoom(lane: Lane): boolean {
    const { writes, reads } = this.#underWay;
    return writes + reads < this.#maxConcurrency && this.#underWay[lane] < this.#maxOfLane;
  }

  /** The error of a call that cannot wait. Its `retryAfterMs` is the time in which the queue is worked off. */
  #overloaded(queue: Queue): AdmissionError {
    const ms = (1000 * this.#queues[queue].size) / Math.max(1, this.#throughput.perSecond);
    return new AdmissionError('overloaded', Math.ceil(Math.min(Math.max(ms, MIN_RETRY_MS), MAX_RETRY_MS)));
  }
}

/** Counts the calls of the current second and of the one before. */
class Throughput {
  #since = 0;
  #current = 0;
  #previous = 0;

  get perSecond(): number {
    this.#advance();
    return Math.max(this.#current, this.#previous);
  }

  add(): void {
    this.#advance();
    this.#current++;
  }

  #advance(): void {
    const now = performance.now();
    const elapsed = now - this.#since;
    if (elapsed < 1_000) return;
    this.#previous = elapsed < 2_000 ? this.#current : 0;
    this.#current = 0;
    this.#since = now;
  }
}
