import { type Deadline, TimeLimit } from '../deadline';
import {
  BATCH_ROUTE,
  type GenAuthId,
  isContentFault,
  MAX_BATCH,
  type ManagementClient,
  ManagementUnreachableError,
  type Turn,
} from '../genauth';
import { Batch, PendingRead, type UserResult, type Waiter } from './batch';
import { toError } from './errors';
import { failureOf, IsolatedReads, isMismatch } from './isolatedReads';

/** A batch that is about to be sent. */
export interface BatchReport {
  /** Number of users that it asks for. */
  users: number;
  /** The deadline of the call. It identifies the batch in a `CallReport`. */
  deadline: Deadline;
  /** The deadlines of the requests that wait for it. */
  readers: () => ReadonlySet<Deadline>;
}

export interface BatchedReadsOptions {
  management: Pick<ManagementClient, 'awaitBatchTurn' | 'getUserBatch'>;
  /** Milliseconds for one call. A call serves many requests, so that no deadline of theirs applies to it. */
  callTimeoutMs: number;
  /** Default: reads for queries. `write`: reads that a write needs. They queue with the writes, so that queries cannot delay them. */
  purpose?: 'write';
  /**
   * Default: 0. While it returns more than 0, more reads are expected soon: a batch that is not full is sent after that many
   * milliseconds only.
   */
  expectMoreMs?: () => number;
  onBatch: (report: BatchReport) => void;
}

/**
 * How long a batch that is not full waits for more users while other calls are in progress: long enough to fill the batches
 * of a busy process, short compared with a call.
 */
const GATHER_MS = 10;

/** Maximum number of users in batches that have not been sent. Further reads are rejected, which bounds the memory. */
const MAX_WAITING = 10_000;

/** A call gets its turn or an error within this time. Afterwards there is room for other users. */
const MAX_WAIT_MS = 2_000;
const MIN_RETRY_MS = 100;
/** A passed deadline shows that GenAuth or this process is slow. A retry may succeed soon. */
const RETRY_AFTER_DEADLINE_MS = 1_000;

/**
 * Reads users for all requests of this process, with as few `get-user-batch` calls as possible.
 *
 * With no call in progress, the users of one turn of the event loop are sent at once. Otherwise a batch is sent when it has 50
 * users, when a call ends, or after 10 ms, whichever comes first. Users go on joining a batch while its call waits for its
 * turn. No user joins a call that has been sent, so that a read which starts after an unlink sees its effect.
 *
 * Nothing is cached: no result serves a read that starts later.
 */
export class BatchedReads {
  readonly #management: BatchedReadsOptions['management'];
  readonly #callTimeoutMs: number;
  readonly #purpose: BatchedReadsOptions['purpose'];
  readonly #expectMoreMs: () => number;
  readonly #onBatch: BatchedReadsOptions['onBatch'];
  readonly #isolated: IsolatedReads;
  /** Batches that have not been sent, the oldest first. All but the last are full. */
  readonly #batches: Batch[] = [];
  /** Calls that have not ended, and those of them that still wait for their turn. */
  #calls = 0;
  #callsWithoutTurn = 0;
  #isScheduled = false;
  #gathering: NodeJS.Timeout | undefined;

  constructor(options: BatchedReadsOptions) {
    this.#management = options.management;
    this.#callTimeoutMs = options.callTimeoutMs;
    this.#purpose = options.purpose;
    this.#expectMoreMs = options.expectMoreMs ?? (() => 0);
    this.#onBatch = options.onBatch;
    this.#isolated = new IsolatedReads(options);
  }

  /** Number of users in batches that have not been sent. */
  get waiting(): number {
    const last = this.#batches.at(-1);
    const inBatches = last === undefined ? 0 : (this.#batches.length - 1) * MAX_BATCH + last.size;
    return inBatches + this.#isolated.waiting;
  }

  /**
   * Reads users.
   *
   * @param deadline Ends the wait. Users that have no result by then get an error.
   * @param profiles Default: true. Whether the read needs `userInfoInIdp`.
   * @param onEnd Default: none. Called with the number of calls that the results came from; other requests may share them.
   * @returns A value or an Error for each user, in the order of `userIds`: one failure does not affect other users.
   */
  load(
    userIds: readonly GenAuthId[],
    deadline: Deadline,
    onEnd: (calls: number) => void = () => undefined,
    profiles = true,
  ): Promise<(UserResult | Error)[]> {
    return new Promise((resolve) => {
      if (userIds.length === 0) return resolve([]);
      const onAbort = (): void => read.settleRest(unreachable('deadline', 'maybe', RETRY_AFTER_DEADLINE_MS));
      const read = new PendingRead(userIds.length, deadline, (results, calls) => {
        deadline.removeEventListener('abort', onAbort);
        onEnd(calls);
        resolve(results);
      });
      if (deadline.aborted) return onAbort();
      deadline.addEventListener('abort', onAbort, { once: true });
      userIds.forEach((userId, index) => this.#join(userId, { read, index, profiles }));
      this.#schedule();
    });
  }

  #join(userId: GenAuthId, waiter: Waiter): void {
    if (this.#isolated.isRemembered(userId)) return this.#isolated.join(userId, waiter);
    const joined = this.#batches.find((batch) => batch.has(userId));
    if (joined !== undefined) return joined.join(userId, waiter);
    if (this.waiting >= MAX_WAITING) {
      const waitMs = Math.ceil(Math.max(MIN_RETRY_MS, MAX_WAIT_MS - (this.#batches[0]?.ageMs ?? 0)));
      return waiter.read.settle(waiter.index, unreachable('overloaded', 'no', waitMs));
    }
    let last = this.#batches.at(-1);
    if (last === undefined || last.isFull) {
      last = new Batch();
      this.#batches.push(last);
    }
    last.join(userId, waiter);
  }

  /** Sends after the current turn of the event loop, so that all reads which start in it share calls. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#send(this.#calls === 0 && this.#expectMoreMs() === 0);
    });
  }

  /** @param partial Whether a batch may be sent that is not full. */
  #send(partial: boolean): void {
    const due = partial ? this.#batches.length : Math.floor(this.waiting / MAX_BATCH);
    while (this.#callsWithoutTurn < due) void this.#call();
    if (this.#callsWithoutTurn < this.#batches.length) {
      this.#gathering ??= setTimeout(() => {
        this.#gathering = undefined;
        this.#send(true);
      }, this.#expectMoreMs() || GATHER_MS);
    } else {
      clearTimeout(this.#gathering);
      this.#gathering = undefined;
    }
  }

  /** Makes one call for the batch that is the oldest when the call gets its turn. Never fails. */
  async #call(): Promise<void> {
    this.#calls++;
    this.#callsWithoutTurn++;
    const deadline = new TimeLimit(this.#callTimeoutMs);
    const turn = await this.#management.awaitBatchTurn({ deadline, purpose: this.#purpose }).catch(toError);
    this.#callsWithoutTurn--;
    const batch = this.#batches.shift() ?? new Batch();
    const userIds = batch.take();
    const found = turn instanceof Error ? turn : await this.#sendBatch(batch, userIds, turn, deadline);
    this.#calls--;
    const failed = this.#settle(batch, userIds, found);
    this.#send(this.#expectMoreMs() === 0);
    if (failed !== null) await this.#isolated.isolate(batch, failed.userIds, failed.error, deadline);
    deadline.end();
  }

  /** Settles the users that have a final result. @returns The users that have to be read in parts, or null. */
  #settle(batch: Batch, userIds: GenAuthId[], found: Found | Error): { userIds: GenAuthId[]; error: Error } | null {
    const [only] = userIds;
    if (only !== undefined && userIds.length === 1) {
      this.#isolated.learn(only, found instanceof Error ? failureOf(userIds, found) : found);
    }
    if (found instanceof Error) {
      if (userIds.length > 1 && isContentFault(found)) return { userIds, error: found };
      batch.settle(userIds, failureOf(userIds, found));
      return null;
    }
    const missing = userIds.length > 1 ? userIds.filter((userId) => isMismatch(found.get(userId))) : [];
    const error = found.get(missing[0] ?? '');
    batch.settle(missing.length === 0 ? userIds : userIds.filter((userId) => !missing.includes(userId)), found);
    return error instanceof Error ? { userIds: missing, error } : null;
  }

  async #sendBatch(
    batch: Batch,
    userIds: readonly GenAuthId[],
    turn: Turn,
    deadline: Deadline,
  ): Promise<Found | Error> {
    try {
      // The list is empty if every read has ended meanwhile.
      if (userIds.length === 0) return new Map();
      this.#onBatch({ users: userIds.length, deadline, readers: () => batch.readers() });
      const profiles = batch.needsProfiles;
      return await this.#management.getUserBatch(userIds, { deadline, turn, profiles, purpose: this.#purpose });
    } catch (error) {
      return toError(error);
    } finally {
      turn.release();
    }
  }
}

type Found = Map<string, UserResult | Error>;

function unreachable(reason: 'deadline' | 'overloaded', sent: 'no' | 'maybe', retryAfterMs: number): Error {
  return new ManagementUnreachableError(BATCH_ROUTE, reason, sent, { retryAfterMs });
}
