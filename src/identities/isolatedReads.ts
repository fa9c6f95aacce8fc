import { LRUCache } from 'lru-cache';
import { type Deadline, TimeLimit } from '../deadline';
import {
  type GenAuthId,
  isContentFault,
  ManagementRefusedError,
  ManagementUnreachableError,
  UserRecord,
} from '../genauth';
import { Batch, type UserResult, type Waiter } from './batch';
import type { BatchedReadsOptions } from './batchedReads';

/** A part of a failed batch with at most this many users is read one by one. Then 50 users cost at most 64 extra calls. */
const MAX_ONE_BY_ONE = 8;
/** Maximum number of concurrent calls for parts of batches, and for remembered users. */
const MAX_CALLS_FOR_PARTS = 4;
const MAX_CALLS_FOR_REMEMBERED = 2;
/** Maximum number of batches that are read in parts at a time. If more fail, GenAuth itself fails, and parts would fail too. */
const MAX_BATCHES = 16;
/** Bounds of the remembered users: a thousand users, for a minute each. */
const REMEMBERED = { max: 1_000, ttl: 60_000 };
/** A user with a larger response is remembered, too, because it makes batches fail. */
const LARGE_USER_BYTES = 1024 * 1024;

/**
 * Reads users apart from others whose content makes a call fail, for example because a profile is too large.
 *
 * A batch that failed is read in halves, and parts of up to 8 users one by one. A user whose read failed alone is remembered
 * for a minute, and read in a call of its own at once. Each remembered user has at most one call at a time.
 */
export class IsolatedReads {
  readonly #options: BatchedReadsOptions;
  readonly #remembered = new LRUCache<GenAuthId, true>(REMEMBERED);
  readonly #callsForParts = new Slots(MAX_CALLS_FOR_PARTS);
  readonly #callsForRemembered = new Slots(MAX_CALLS_FOR_REMEMBERED);
  /** The reads of remembered users that have not been sent. */
  readonly #waiting = new Map<GenAuthId, Batch>();
  readonly #underWay = new Set<GenAuthId>();
  #batches = 0;

  constructor(options: BatchedReadsOptions) {
    this.#options = options;
  }

  /** Number of remembered users whose reads have not been sent. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether a user has to be read in a call of its own. */
  isRemembered(userId: GenAuthId): boolean {
    return this.#remembered.has(userId);
  }

  /** Reads a remembered user. */
  join(userId: GenAuthId, waiter: Waiter): void {
    let batch = this.#waiting.get(userId);
    if (batch === undefined) {
      batch = new Batch();
      this.#waiting.set(userId, batch);
      // After the current turn of the event loop, so that all reads which start in it share the call.
      queueMicrotask(() => void this.#readRemembered(userId));
    }
    batch.join(userId, waiter);
  }

  /** Reads the users of a failed batch in parts. Each part is settled as soon as it has been read. Never fails. */
  async isolate(batch: Batch, userIds: readonly GenAuthId[], error: Error, deadline: Deadline): Promise<void> {
    if (this.#batches >= MAX_BATCHES) return batch.settle(userIds, failureOf(userIds, error));
    this.#batches++;
    await this.#split(batch, userIds, deadline);
    this.#batches--;
  }

  async #split(batch: Batch, userIds: readonly GenAuthId[], deadline: Deadline): Promise<void> {
    const half = userIds.length > MAX_ONE_BY_ONE ? Math.ceil(userIds.length / 2) : 1;
    const parts: (readonly GenAuthId[])[] = [];
    for (let start = 0; start < userIds.length; start += half) parts.push(userIds.slice(start, start + half));
    await Promise.all(parts.map((part) => this.#readPart(batch, part, deadline)));
  }

  async #readPart(batch: Batch, part: readonly GenAuthId[], deadline: Deadline): Promise<void> {
    const { found, failed } = await this.#callsForParts.run(() => this.#read(batch, part, deadline));
    const isSplit = failed.length > 0 && part.length > 1 && isContentFault(found.get(failed[0] as GenAuthId));
    const settled = isSplit ? part.filter((userId) => !failed.includes(userId)) : part;
    if (part.length === 1) this.learn(part[0] as GenAuthId, found);
    batch.settle(settled, found, part);
    if (isSplit) await this.#split(batch, failed, deadline);
  }

  async #readRemembered(userId: GenAuthId): Promise<void> {
    if (this.#underWay.has(userId)) return;
    this.#underWay.add(userId);
    await this.#callsForRemembered.run(async () => {
      const batch = this.#waiting.get(userId) ?? new Batch();
      this.#waiting.delete(userId);
      const deadline = new TimeLimit(this.#options.callTimeoutMs);
      if (batch.take().length > 0) {
        this.#options.onBatch({ users: 1, deadline, readers: () => batch.readers() });
        const { found } = await this.#read(batch, [userId], deadline);
        this.learn(userId, found);
        batch.settle([userId], found);
      }
      deadline.end();
    });
    this.#underWay.delete(userId);
    if (this.#waiting.has(userId)) void this.#readRemembered(userId);
  }

  /** Makes one call. Never fails. @returns A result or an error for each user, and the users that another call may find. */
  async #read(batch: Batch, userIds: readonly GenAuthId[], deadline: Deadline): Promise<PartResult> {
    const wanted = userIds.filter((userId) => batch.isWaiting(userId));
    if (wanted.length === 0) return { found: new Map(), failed: [] };
    try {
      const { management, purpose } = this.#options;
      const profiles = batch.needsProfiles;
      const found = await management.getUserBatch(wanted, { deadline, retry: false, profiles, purpose });
      return { found, failed: wanted.filter((userId) => isMismatch(found.get(userId))) };
    } catch (error) {
      return { found: failureOf(wanted, error), failed: wanted };
    }
  }

  /** Remembers or forgets a user after it was read alone. */
  learn(userId: GenAuthId, found: ReadonlyMap<string, UserResult | Error>): void {
    const result = found.get(userId);
    const isUnknown = result === null;
    const isLarge = result instanceof UserRecord && (!result.hasProfiles || result.byteLength > LARGE_USER_BYTES);
    if (isUnknown || isLarge || isContentFault(result)) this.#remembered.set(userId, true);
    else if (!(result instanceof Error)) this.#remembered.delete(userId);
  }
}

interface PartResult {
  found: Map<string, UserResult | Error>;
  failed: readonly GenAuthId[];
}

/** The result of every user of a call that failed. If GenAuth does not know the only user, there is no error. */
export function failureOf(userIds: readonly GenAuthId[], error: unknown): Map<string, UserResult | Error> {
  const isUnknown = userIds.length === 1 && error instanceof ManagementRefusedError && error.isUserUnknown;
  const result = isUnknown ? null : error instanceof Error ? error : new Error('a read failed', { cause: error });
  return new Map(userIds.map((userId) => [userId, result]));
}

/** Whether a user is missing from a response that has users which were not requested. */
export function isMismatch(result: UserResult | Error | undefined): boolean {
  return result instanceof ManagementUnreachableError && result.reason === 'mismatch';
}

/** Bounds the number of concurrent calls. Further calls queue, in the order of arrival. */
class Slots {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
