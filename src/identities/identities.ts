import DataLoader from 'dataloader';
import { type Caller, ForbiddenError, type Policy } from '../callers';
import { type GenAuthId, type Identity, type ManagementClient, parseIdentityType } from '../genauth';
import type { Directory, UserIdentities } from './directory';
import { UnlinkNotExecutedError } from './errors';
import type { UnlinkRequest } from './settle';
import type { UnlinkResult, Unlinks } from './unlink';

/** A user whom GenAuth knows. */
export interface KnownUser {
  id: string;
  identities: readonly Identity[];
}

export interface IdentitiesOptions {
  management: Pick<ManagementClient, 'parseId'>;
  directory: Directory;
  unlinks: Unlinks;
  policy: Policy;
  /** Who asks. */
  caller: Caller;
  /** Aborted when the request's time is up. */
  deadline: AbortSignal;
}

/**
 * What one request may do with identities. Made for each request: it remembers what it has read, so that one operation
 * never sees a user in two states, except across its own unlink.
 */
export class Identities {
  readonly #options: IdentitiesOptions;
  readonly #loader: DataLoader<GenAuthId, UserIdentities>;
  #calls = 0;

  constructor(options: IdentitiesOptions) {
    this.#options = options;
    const { directory, deadline } = options;
    this.#loader = new DataLoader((userIds) => directory.load(userIds, deadline, (calls) => (this.#calls += calls)));
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
    const { management, policy, caller } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(caller, id)) throw new ForbiddenError();
    return this.#loader.load(id);
  }

  /**
   * Reads many users at once, when nothing stands in the way of any.
   *
   * @returns For each id the user, or null when GenAuth does not know one; null instead of a list when one of them cannot be
   *   answered so. Then `of` says for each what there is to say, from what has been read here.
   */
  async many(userIds: readonly string[]): Promise<readonly (KnownUser | null)[] | null> {
    const { directory, deadline } = this.#options;
    const ids = this.#readable(userIds);
    if (ids === null) return null;
    const results = await directory.load(ids, deadline, (calls) => (this.#calls += calls));
    if (results.some((result) => result instanceof Error)) {
      ids.forEach((id, index) => this.#loader.prime(id, results[index] ?? null));
      return null;
    }
    return results.map((identities, index) =>
      identities === null || identities instanceof Error ? null : { id: ids[index] ?? '', identities },
    );
  }

  /**
   * Tells whether GenAuth says that there is no such user. Neither a GenAuth that cannot be asked says so, nor one that the
   * caller may not ask: the user stands, and `of` reports why.
   *
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   */
  async isUnknown(userId: string): Promise<boolean> {
    const { management, policy, caller } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(caller, id)) return false;
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
  async unlink(request: { userId: string; extIdpId: string; type?: string | null }): Promise<UnlinkResult> {
    const { unlinks, caller, deadline } = this.#options;
    const checked = this.#check(request);
    try {
      return await unlinks.unlink(checked, caller, deadline, (calls) => (this.#calls += calls));
    } finally {
      this.#loader.clear(checked.userId);
    }
  }

  /** @returns null where one of them is no id, or may not be read. */
  #readable(userIds: readonly string[]): GenAuthId[] | null {
    const { management, policy, caller } = this.#options;
    try {
      const ids = userIds.map((userId) => management.parseId('userId', userId));
      return ids.every((id) => policy.mayRead(caller, id)) ? ids : null;
    } catch {
      return null;
    }
  }

  #check({ userId, extIdpId, type }: { userId: string; extIdpId: string; type?: string | null }): UnlinkRequest {
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
