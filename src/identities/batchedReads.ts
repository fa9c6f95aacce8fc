import { type Deadline, TimeLimit } from '../deadline';
import {
  type GenAuthId,
  MAX_BATCH,
  type ManagementClient,
  ManagementRefusedError,
  ManagementUnreachableError,
  type Turn,
} from '../genauth';
import { Batch, PendingRead, type UserResult, type Waiter } from './batch';

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
  /** Default: reads of pages. `write`: reads that writes need. They queue with the writes, which pages cannot delay. */
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
  }

  /** Number of users in batches that have not been sent. */
  get waiting(): number {
    const last = this.#batches.at(-1);
    return last === undefined ? 0 : (this.#batches.length - 1) * MAX_BATCH + last.size;
  }

  /**
   * Reads users.
   *
   * @param deadline Ends the wait. Users that have no result by then get an error.
   * @param onEnd Default: none. Called with the number of calls that the results came from; other requests may share them.
   * @returns A value or an Error for each user, in the order of `userIds`: one failure does not affect other users.
   */
  load(
    userIds: readonly GenAuthId[],
    deadline: Deadline,
    onEnd: (calls: number) => void = () => undefined,
  ): Promise<(UserResult | Error)[]> {
    return new Promise((resolve) => {
      if (userIds.length === 0) return resolve([]);
      const onAbort = (): void => read.settleRest(new ManagementUnreachableError(BATCH_ROUTE, 'deadline', 'maybe'));
      const read = new PendingRead(userIds.length, deadline, (results, calls) => {
        deadline.removeEventListener('abort', onAbort);
        onEnd(calls);
        resolve(results);
      });
      if (deadline.aborted) return onAbort();
      deadline.addEventListener('abort', onAbort, { once: true });
      userIds.forEach((userId, index) => this.#join(userId, { read, index }));
      this.#schedule();
    });
  }

  #join(userId: GenAuthId, waiter: Waiter): void {
    const joined = this.#batches.find((batch) => batch.has(userId));
    if (joined !== undefined) return joined.join(userId, waiter);
    if (this.waiting >= MAX_WAITING) {
      return waiter.read.settle(waiter.index, new ManagementUnreachableError(BATCH_ROUTE, 'overloaded', 'no'));
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
    const turn = await this.#management.awaitBatchTurn({ deadline, purpose: this.#purpose }).catch(asError);
    this.#callsWithoutTurn--;
    const batch = this.#batches.shift() ?? new Batch();
    const userIds = batch.take();
    const results =
      turn instanceof Error
        ? new Map(userIds.map((userId) => [userId, turn]))
        : await this.#sendBatch(batch, userIds, turn, deadline);
    deadline.end();
    this.#calls--;
    batch.settle(results);
    this.#send(this.#expectMoreMs() === 0);
  }

  async #sendBatch(
    batch: Batch,
    userIds: readonly GenAuthId[],
    turn: Turn,
    deadline: Deadline,
  ): Promise<Map<string, UserResult | Error>> {
    try {
      // Empty where every read has ended meanwhile.
      if (userIds.length === 0) return new Map();
      this.#onBatch({ users: userIds.length, deadline, readers: () => batch.readers() });
      return await this.#management.getUserBatch(userIds, { deadline, turn, purpose: this.#purpose });
    } catch (error) {
      // GenAuth refused the batch because of its content, for which one unknown user can be enough.
      const isContent =
        error instanceof ManagementRefusedError && (error.refusal === 'not_found' || error.refusal === 'rejected');
      const readOne = isContent ? (userId: GenAuthId) => this.#readOne(userId, deadline) : () => asError(error);
      return new Map(await Promise.all(userIds.map(async (userId) => [userId, await readOne(userId)] as const)));
    } finally {
      turn.release();
    }
  }

  async #readOne(userId: GenAuthId, deadline: Deadline): Promise<UserResult | Error> {
    try {
      const users = await this.#management.getUserBatch([userId], { deadline, purpose: this.#purpose });
      return users.get(userId) ?? null;
    } catch (error) {
      return error instanceof ManagementRefusedError && error.isUserUnknown ? null : asError(error);
    }
  }
}

const BATCH_ROUTE = 'GET /api/v3/get-user-batch';

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a read failed without an error', { cause: error });
}
