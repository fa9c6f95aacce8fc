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

/** An unlink before its arguments are validated. Without `type`, GenAuth decides which identities it unlinks. */
export interface RequestedUnlink {
  userId: string;
  extIdpId: string;
  type?: string | null;
}

/**
 * Reads and unlinks identities for one request. It remembers what `of` and `isUnknown` have read, so that an operation sees each
 * user in one state. An unlink of the request clears the memory of its user.
 */
export class Identities {
  readonly #options: IdentitiesOptions;
  readonly #caller: Caller;
  readonly #deadline: Deadline;
  #loaderOrNone: DataLoader<GenAuthId, UserIdentities> | undefined;
  #calls = 0;

  /**
   * @param options The parts that all requests share.
   * @param deadline The deadline of the request.
   */
  constructor(options: IdentitiesOptions, caller: Caller, deadline: Deadline) {
    this.#options = options;
    this.#caller = caller;
    this.#deadline = deadline;
  }

  /** The memory of this request. Created at the first use, because compiled operations do not use it. */
  get #loader(): DataLoader<GenAuthId, UserIdentities> {
    const { batchedReads } = this.#options;
    this.#loaderOrNone ??= new DataLoader((userIds) => batchedReads.load(userIds, this.#deadline, this.#addCalls));
    return this.#loaderOrNone;
  }

  /** The number of calls to GenAuth that this request has taken part in so far. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Reads the identities of a user.
   *
   * @returns null if GenAuth does not know the user.
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   * @throws {ForbiddenError} The caller may not read this user. The user may not exist.
   * @throws {ManagementError} The call to GenAuth failed, or its response was unusable.
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
   * Whether GenAuth reports that a user does not exist. False if the read failed or is forbidden: the user is not null then,
   * and `of` throws the reason.
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
   * Unlinks a user from an identity source. Later reads of this request read the user again.
   *
   * @param request.type Default: GenAuth decides which identities of the source it unlinks.
   * @throws {UnlinkNotExecutedError} Nothing was executed, for example because an argument is invalid.
   * @throws {UnlinkOutcomeUnknownError} The unlink may have been executed.
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
