import { type Deadline, TimeLimit } from '../deadline';
import {
  type GenAuthId,
  type IdentityList,
  MAX_BATCH,
  type ManagementClient,
  ManagementRefusedError,
  ManagementUnreachableError,
} from '../genauth';

/** What is known of a user: the identities, or null when GenAuth does not know the user. */
export type UserIdentities = IdentityList | null;

/** A call that is about to be sent. */
export interface Batch {
  /** How many it asks for. */
  users: number;
  /** What it is sent with. */
  deadline: Deadline;
  /** The signals of those who wait for it. */
  readers: () => ReadonlySet<Deadline>;
}

export interface DirectoryOptions {
  management: Pick<ManagementClient, 'getUserBatch' | 'getUserIdentities'>;
  /** Milliseconds for one call, which serves many requests and so obeys none of theirs. */
  callTimeoutMs: number;
  /** Told of every call. */
  onBatch: (batch: Batch) => void;
}

/**
 * How long an id waits for company while calls are under way. With nothing under way it does not wait at all. Long enough
 * that a busy process fills its calls, short enough to be lost in the time of one.
 */
const GATHER_MS = 10;

/** One request's wish for some users. */
class Read {
  readonly deadline: Deadline;
  #results: (UserIdentities | Error | undefined)[];
  readonly #finish: (results: (UserIdentities | Error)[], calls: number) => void;
  #missing: number;
  /** Calls that it had results from; those of one call come one after another. */
  #calls = 0;
  #lastCall: object | undefined;

  constructor(size: number, deadline: Deadline, finish: (results: (UserIdentities | Error)[], calls: number) => void) {
    this.deadline = deadline;
    this.#results = Array.from({ length: size });
    this.#missing = size;
    this.#finish = finish;
  }

  get waits(): boolean {
    return this.#missing > 0;
  }

  /** @param call Which call this came from, if any. */
  settle(index: number, result: UserIdentities | Error, call?: object): void {
    if (this.#results[index] !== undefined) return;
    if (call !== undefined && call !== this.#lastCall) {
      this.#calls++;
      this.#lastCall = call;
    }
    this.#results[index] = result;
    this.#missing--;
    if (this.#missing > 0) return;
    const results = this.#results as (UserIdentities | Error)[];
    this.#results = [];
    this.#finish(results, this.#calls);
  }
}

interface Waiter {
  read: Read;
  index: number;
}

/** Ids that wait at most. What comes on top is refused, so that no crowd of readers can take the memory. */
const MAX_WAITING = 10_000;

/**
 * Gathers the user ids of all requests of this process into as few `get-user-batch` calls as there can be.
 *
 * When nothing is under way, the ids that arrive in one turn of the event loop are sent at once. While calls are under way
 * the next ids gather until 50 are together, until a call ends, or for 10 ms, whichever comes first; and for as long as a
 * call has to wait for its turn. An id never joins a call that has been sent: a read that starts after an unlink sees what
 * the unlink did.
 *
 * It keeps nothing: no answer serves a read that starts later.
 */
export class Directory {
  readonly #management: DirectoryOptions['management'];
  readonly #callTimeoutMs: number;
  readonly #onBatch: DirectoryOptions['onBatch'];
  /**
   * Ids that wait, by the calls they will be asked for with; all calls but the last are full. Each call has a map of its own:
   * one that ids come to and go from for long makes V8 keep alive what is long done.
   */
  readonly #batches: Map<GenAuthId, Waiter[]>[] = [];
  /** Calls that have not ended, and those of them that have not been sent. */
  #underWay = 0;
  #unsent = 0;
  #scheduled = false;
  #gathering: NodeJS.Timeout | undefined;

  constructor(options: DirectoryOptions) {
    this.#management = options.management;
    this.#callTimeoutMs = options.callTimeoutMs;
    this.#onBatch = options.onBatch;
  }

  /** Ids that wait to be asked for. */
  get waiting(): number {
    const last = this.#batches.at(-1);
    return last === undefined ? 0 : (this.#batches.length - 1) * MAX_BATCH + last.size;
  }

  /**
   * Reads users, each on its own: the result has a value or an Error for every id, in the order asked, and one that fails
   * spoils no other.
   *
   * @param deadline Ends the waiting. What has arrived by then is kept, and the rest become errors.
   * @param onEnd Told how many calls these users came from; other requests may have shared them.
   */
  load(
    userIds: readonly GenAuthId[],
    deadline: Deadline,
    onEnd: (calls: number) => void = () => undefined,
  ): Promise<(UserIdentities | Error)[]> {
    return new Promise((resolve) => {
      if (userIds.length === 0) return resolve([]);
      const onAbort = (): void => {
        userIds.forEach((_id, index) => read.settle(index, new ManagementUnreachableError(BATCH, 'deadline', 'maybe')));
      };
      const read = new Read(userIds.length, deadline, (results, calls) => {
        deadline.removeEventListener('abort', onAbort);
        onEnd(calls);
        resolve(results);
      });
      if (deadline.aborted) return onAbort();
      deadline.addEventListener('abort', onAbort, { once: true });
      userIds.forEach((userId, index) => this.#wait(userId, { read, index }));
      if (this.#scheduled) return;
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#send(this.#underWay === 0);
      });
    });
  }

  #wait(userId: GenAuthId, waiter: Waiter): void {
    for (const batch of this.#batches) {
      const waiters = batch.get(userId);
      if (waiters === undefined) continue;
      waiters.push(waiter);
      return;
    }
    if (this.waiting >= MAX_WAITING) {
      waiter.read.settle(waiter.index, new ManagementUnreachableError(BATCH, 'overloaded', 'no'));
      return;
    }
    let last = this.#batches.at(-1);
    if (last === undefined || last.size === MAX_BATCH) {
      last = new Map();
      this.#batches.push(last);
    }
    last.set(userId, [waiter]);
  }

  /** @param partial Whether a call may go out with fewer ids than fit. */
  #send(partial: boolean): void {
    const calls = partial ? this.#batches.length : Math.floor(this.waiting / MAX_BATCH);
    // Counted before: a call that may go out at once takes its ids at once.
    for (let missing = calls - this.#unsent; missing > 0; missing--) void this.#call();
    if (this.#unsent < this.#batches.length) {
      this.#gathering ??= setTimeout(() => {
        this.#gathering = undefined;
        this.#send(true);
      }, GATHER_MS);
    } else {
      clearTimeout(this.#gathering);
      this.#gathering = undefined;
    }
  }

  async #call(): Promise<void> {
    this.#underWay++;
    this.#unsent++;
    const limit = new TimeLimit(this.#callTimeoutMs);
    let drawn: Map<GenAuthId, Waiter[]> | undefined;
    const draw = (): GenAuthId[] => {
      if (drawn === undefined) {
        this.#unsent--;
        const taken = (drawn = this.#take());
        if (taken.size > 0) this.#onBatch({ users: taken.size, deadline: limit, readers: () => readersOf(taken) });
      }
      return [...drawn.keys()];
    };
    const results = await this.#read(draw, limit);
    limit.end();
    this.#underWay--;
    for (const [userId, waiters] of drawn ?? []) {
      const result = results.get(userId) ?? null;
      for (const { read, index } of waiters) read.settle(index, result, draw);
    }
    // Whoever waited for GenAuth may be old by now (decision 0015).
    results.clear();
    drawn?.clear();
    this.#send(true);
  }

  #take(): Map<GenAuthId, Waiter[]> {
    const taken = this.#batches.shift() ?? new Map<GenAuthId, Waiter[]>();
    for (const [userId, waiters] of taken) {
      // Whoever asked may have stopped waiting.
      if (!waiters.some(({ read }) => read.waits)) taken.delete(userId);
    }
    return taken;
  }

  /** Never fails: an error of the call becomes the result of each of its users, drawn for it if it was never sent. */
  async #read(draw: () => GenAuthId[], deadline: Deadline): Promise<Map<string, UserIdentities | Error>> {
    try {
      return await this.#management.getUserBatch(draw, { deadline });
    } catch (error) {
      // GenAuth refused the batch for what is in it, which one unknown user can be enough for.
      const forItsContent =
        error instanceof ManagementRefusedError && (error.refusal === 'not_found' || error.refusal === 'rejected');
      const readOne = forItsContent ? (userId: GenAuthId) => this.#readOne(userId, deadline) : () => asError(error);
      return new Map(await Promise.all(draw().map(async (userId) => [userId, await readOne(userId)] as const)));
    }
  }

  async #readOne(userId: GenAuthId, deadline: Deadline): Promise<UserIdentities | Error> {
    try {
      return await this.#management.getUserIdentities(userId, { deadline });
    } catch (error) {
      const unknown = error instanceof ManagementRefusedError && error.refusal === 'not_found';
      return unknown ? null : asError(error);
    }
  }
}

function readersOf(drawn: ReadonlyMap<GenAuthId, readonly Waiter[]>): ReadonlySet<Deadline> {
  return new Set([...drawn.values()].flat().flatMap(({ read }) => (read.waits ? [read.deadline] : [])));
}

const BATCH = 'GET /api/v3/get-user-batch';

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a read failed without an error', { cause: error });
}
