import type { Deadline } from '../deadline';
import { type GenAuthId, MAX_BATCH, type UserRecord } from '../genauth';

/** The result of reading a user. Null: GenAuth does not know the user. */
export type UserResult = UserRecord | null;

/** The users that one request wants to read, and the results that have arrived. */
export class PendingRead {
  readonly deadline: Deadline;
  #results: (UserResult | Error | undefined)[];
  readonly #onEnd: (results: (UserResult | Error)[], calls: number) => void;
  #missing: number;
  readonly #calls: object[] = [];

  /**
   * @param size Number of users.
   * @param onEnd Called once, when every user has a result.
   */
  constructor(size: number, deadline: Deadline, onEnd: (results: (UserResult | Error)[], calls: number) => void) {
    this.deadline = deadline;
    this.#results = new Array<undefined>(size).fill(undefined);
    this.#missing = size;
    this.#onEnd = onEnd;
  }

  get isWaiting(): boolean {
    return this.#missing > 0;
  }

  /**
   * Stores the result of one user. Only the first result of a user counts.
   *
   * @param call Default: none. Identifies the call that the result came from.
   */
  settle(index: number, result: UserResult | Error, call?: object): void {
    if (this.#results[index] !== undefined) return;
    if (call !== undefined && !this.#calls.includes(call)) this.#calls.push(call);
    this.#results[index] = result;
    this.#missing--;
    if (this.#missing > 0) return;
    const results = this.#results as (UserResult | Error)[];
    this.#results = [];
    this.#onEnd(results, this.#calls.length);
  }

  /** Stores a result for every user that has none yet. */
  settleRest(result: Error): void {
    for (let index = 0; index < this.#results.length; index++) this.settle(index, result);
  }
}

/** One user of a pending read. */
export interface Waiter {
  read: PendingRead;
  /** Position of the user in the read. */
  index: number;
  /** Whether the read needs `userInfoInIdp`. */
  profiles: boolean;
}

/**
 * The users that one `get-user-batch` will ask for, and the reads that wait for each of them. Users join until the batch is
 * taken.
 *
 * Each batch has a map of its own. In one map for all, tables that V8 has outgrown would keep results alive (decision 0015).
 */
export class Batch {
  readonly #waiters = new Map<GenAuthId, Waiter[]>();
  readonly #createdAt = performance.now();

  get size(): number {
    return this.#waiters.size;
  }

  get isFull(): boolean {
    return this.#waiters.size >= MAX_BATCH;
  }

  /** Milliseconds since the first user could join. */
  get ageMs(): number {
    return performance.now() - this.#createdAt;
  }

  /** Whether a read needs `userInfoInIdp`. */
  get needsProfiles(): boolean {
    for (const waiters of this.#waiters.values()) if (waiters.some(({ profiles }) => profiles)) return true;
    return false;
  }

  /** Whether a read still waits for a user. */
  isWaiting(userId: GenAuthId): boolean {
    return this.#waiters.get(userId)?.some(({ read }) => read.isWaiting) === true;
  }

  has(userId: GenAuthId): boolean {
    return this.#waiters.has(userId);
  }

  join(userId: GenAuthId, waiter: Waiter): void {
    const waiters = this.#waiters.get(userId);
    if (waiters === undefined) this.#waiters.set(userId, [waiter]);
    else waiters.push(waiter);
  }

  /** Returns the users to ask for: those that a read still waits for. Afterwards no user may join. */
  take(): GenAuthId[] {
    for (const [userId, waiters] of this.#waiters) {
      if (!waiters.some(({ read }) => read.isWaiting)) this.#waiters.delete(userId);
    }
    return [...this.#waiters.keys()];
  }

  /** Returns the deadlines of the reads that still wait for this batch. */
  readers(): ReadonlySet<Deadline> {
    const waiters = [...this.#waiters.values()].flat();
    return new Set(waiters.filter(({ read }) => read.isWaiting).map(({ read }) => read.deadline));
  }

  /**
   * Passes the results of some users to the reads that wait for them. A user without a result is one that GenAuth does not
   * know.
   *
   * Afterwards neither the batch nor `results` refers to GenAuth's response. Objects that waited for it may be in the old
   * generation by now, and would keep the response alive until the next full garbage collection (decision 0015).
   *
   * @param call Default: the call of the whole batch. Identifies the call that the results came from.
   */
  settle(userIds: readonly GenAuthId[], results: Map<string, UserResult | Error>, call: object = this): void {
    for (const userId of userIds) {
      const waiters = this.#waiters.get(userId) ?? [];
      this.#waiters.delete(userId);
      const result = results.get(userId) ?? null;
      for (const { read, index } of waiters) read.settle(index, result, call);
    }
    results.clear();
  }
}
