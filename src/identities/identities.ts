import DataLoader from 'dataloader';
import { type Caller, ForbiddenError, type Policy } from '../callers';
import type { Deadline } from '../deadline';
import { type GenAuthId, type IdentityList, type ManagementClient, parseIdentityType } from '../genauth';
import type { Directory, UserIdentities } from './directory';
import { UnlinkNotExecutedError } from './errors';
import type { UnlinkRequest } from './settle';
import type { UnlinkResult, Unlinks } from './unlink';

/** A user whom GenAuth knows. */
export interface KnownUser {
  id: string;
  identities: IdentityList;
}

export interface IdentitiesOptions {
  management: Pick<ManagementClient, 'parseId'>;
  directory: Directory;
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
  #begun: { request: RequestedUnlink; result: Promise<UnlinkResult> } | null = null;

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
    const { directory } = this.#options;
    this.#loaderOrNone ??= new DataLoader((userIds) =>
      directory.load(userIds, this.#deadline, (calls) => (this.#calls += calls)),
    );
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
    const { management, policy } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(this.#caller, id)) throw new ForbiddenError();
    return this.#loader.load(id);
  }

  /**
   * Reads many users at once, when nothing stands in the way of any.
   *
   * @returns For each id the user, or null when GenAuth does not know one; null instead of a list when one of them cannot be
   *   answered so. Then `of` says for each what there is to say, from what has been read here.
   */
  async many(userIds: readonly string[]): Promise<(KnownUser | null)[] | null> {
    const { directory } = this.#options;
    const ids = this.#readable(userIds);
    if (ids === null) return null;
    const results = await directory.load(ids, this.#deadline, (calls) => (this.#calls += calls));
    if (results.some((result) => result instanceof Error)) {
      ids.forEach((id, index) => this.#loader.prime(id, results[index] ?? null));
      return null;
    }
    const users = results.map((identities, index) =>
      identities === null || identities instanceof Error ? null : { id: ids[index] ?? '', identities },
    );
    // Decision 0015.
    results.length = 0;
    return users;
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
    if (this.#begun !== null) return this.#takeOver(request);
    const { unlinks } = this.#options;
    const checked = this.#check(request);
    try {
      return await unlinks.unlink(checked, this.#caller, this.#deadline, (calls) => (this.#calls += calls));
    } finally {
      this.#loaderOrNone?.clear(checked.userId);
    }
  }

  /**
   * Begins an unlink for which somebody else may have to answer in the end: the next `unlink` of this request, which must ask
   * for the same, gets its outcome instead of beginning another.
   */
  beginUnlink(request: RequestedUnlink): Promise<UnlinkResult> {
    const result = this.unlink(request);
    this.#begun = { request, result };
    return result;
  }

  #takeOver({ userId, extIdpId, type }: RequestedUnlink): Promise<UnlinkResult> {
    const begun = this.#begun;
    this.#begun = null;
    const { request } = begun ?? {};
    if (
      begun === null ||
      request?.userId !== userId ||
      request.extIdpId !== extIdpId ||
      (request.type ?? null) !== (type ?? null)
    ) {
      throw new Error('an unlink was begun that is not the one that is asked for');
    }
    return begun.result;
  }

  /** @returns null where one of them is no id, or may not be read. */
  #readable(userIds: readonly string[]): GenAuthId[] | null {
    const { management, policy } = this.#options;
    try {
      const ids = userIds.map((userId) => management.parseId('userId', userId));
      return ids.every((id) => policy.mayRead(this.#caller, id)) ? ids : null;
    } catch {
      return null;
    }
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
