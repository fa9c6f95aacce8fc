import DataLoader from 'dataloader';
import { type Caller, ForbiddenError, type Policy } from '../callers';
import type { Deadline } from '../deadline';
import { type GenAuthId, type ManagementClient, parseIdentityType } from '../genauth';
import type { UserIdentities } from './batch';
import type { BatchedReads } from './batchedReads';
import { UnlinkNotExecutedError } from './errors';
import type { UnlinkRequest } from './settle';
import type { UnlinkResult, Unlinks } from './unlink';

/** What reading a user resulted in: identities, null for a user that GenAuth does not know, or the error of this user. */
export type UserRead = UserIdentities | Error;

export interface IdentitiesOptions {
  management: Pick<ManagementClient, 'parseId'>;
  batchedReads: BatchedReads;
  unlinks: Unlinks;
  policy: Policy;
}

/** As a caller asks for it, not checked yet. `type` left out or null: left to GenAuth. */
export interface RequestedUnlink {
  userId: string;
  extIdpId: string;
  type?: string | null;
}

/**
 * What one request may do with identities. Made for each request: it remembers what it has read, so that one operation
 * never sees a user in two states, except across its own unlink.
 */
export class Identities {
  readonly #options: IdentitiesOptions;
  readonly #caller: Caller;
  readonly #deadline: Deadline;
  #loaderOrNone: DataLoader<GenAuthId, UserIdentities> | undefined;
  #calls = 0;

  /**
   * @param options What all requests share.
   * @param caller Who asks.
   * @param deadline Passed when the request's time is up.
   */
  constructor(options: IdentitiesOptions, caller: Caller, deadline: Deadline) {
    this.#options = options;
    this.#caller = caller;
    this.#deadline = deadline;
  }

  /** What was read field by field: made for the first of them, because most requests read nothing so. */
  get #loader(): DataLoader<GenAuthId, UserIdentities> {
    const { batchedReads } = this.#options;
    this.#loaderOrNone ??= new DataLoader((userIds) => batchedReads.load(userIds, this.#deadline, this.#addCalls));
    return this.#loaderOrNone;
  }

  /** Calls to GenAuth that this request has had a part in, so far. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Reads what a user is linked to.
   *
   * @returns null when GenAuth does not know the user.
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   * @throws {ForbiddenError} The caller may not read this user, whether there is one or not.
   * @throws {ManagementError} GenAuth could not be asked, or gave no usable answer.
   */
  async of(userId: string): Promise<UserIdentities> {
    return this.#loader.load(this.#readable(userId));
  }

  /**
   * Reads many users, each on its own: an error of one does not affect the others. Unlike `of`, it does not remember what it
   * has read.
   *
   * @returns For each id what `of` returns, or the error that `of` throws.
   */
  async many(userIds: readonly string[]): Promise<UserRead[]> {
    const reads = userIds.map((userId) => {
      try {
        return this.#readable(userId);
      } catch (error) {
        return toError(error);
      }
    });
    const ids = reads.filter((read) => typeof read === 'string');
    const results = await this.#options.batchedReads.load(ids, this.#deadline, this.#addCalls);
    if (ids.length === reads.length) return results;
    const rest = results.values();
    return reads.map((read) => (typeof read === 'string' ? (rest.next().value ?? null) : read));
  }

  /**
   * Tells whether GenAuth says that there is no such user. Neither a GenAuth that cannot be asked says so, nor one that the
   * caller may not ask: the user stands, and `of` reports why.
   *
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   */
  async isUnknown(userId: string): Promise<boolean> {
    const { management, policy } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(this.#caller, id)) return false;
    return this.#loader.load(id).then(
      (identities) => identities === null,
      () => false,
    );
  }

  /**
   * Unlinks a user from an identity source. Later reads of this request see the user afresh.
   *
   * @param request.type Default: left to GenAuth.
   * @throws {UnlinkNotExecutedError} Nothing was executed; an argument that cannot be used is one reason.
   * @throws {UnlinkOutcomeUnknownError} It may have been executed.
   */
  async unlink(request: RequestedUnlink): Promise<UnlinkResult> {
    const { unlinks } = this.#options;
    const checked = this.#check(request);
    try {
      return await unlinks.unlink(checked, this.#caller, this.#deadline, this.#addCalls);
    } finally {
      this.#loaderOrNone?.clear(checked.userId);
    }
  }

  readonly #addCalls = (calls: number): void => {
    this.#calls += calls;
  };

  /** Checks that the caller may read the user. */
  #readable(userId: string): GenAuthId {
    const { management, policy } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(this.#caller, id)) throw new ForbiddenError();
    return id;
  }

  #check({ userId, extIdpId, type }: RequestedUnlink): UnlinkRequest {
    const { management } = this.#options;
    try {
      return {
        userId: management.parseId('userId', userId),
        extIdpId: management.parseId('extIdpId', extIdpId),
        ...(type === undefined || type === null ? {} : { type: parseIdentityType('type', type) }),
      };
    } catch (error) {
      throw new UnlinkNotExecutedError(error);
    }
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a check failed without an error', { cause: error });
}
