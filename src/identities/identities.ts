import DataLoader from 'dataloader';
import { type GenAuthId, type ManagementClient, parseIdentityType } from '../genauth';
import type { Directory, UserIdentities } from './directory';
import { UnlinkNotExecutedError } from './errors';
import type { UnlinkRequest, UnlinkResult, Unlinks } from './unlink';

export interface IdentitiesOptions {
  management: ManagementClient;
  directory: Directory;
  unlinks: Unlinks;
  /** Aborted when the request's time is up. */
  deadline: AbortSignal;
}

/**
 * What one request may do with identities. Made for each request: it remembers what it has read, so that one operation
 * never sees a user in two states, except across its own unlink.
 */
export class Identities {
  readonly #management: ManagementClient;
  readonly #unlinks: Unlinks;
  readonly #deadline: AbortSignal;
  readonly #loader: DataLoader<GenAuthId, UserIdentities>;

  constructor({ management, directory, unlinks, deadline }: IdentitiesOptions) {
    this.#management = management;
    this.#unlinks = unlinks;
    this.#deadline = deadline;
    this.#loader = new DataLoader((userIds) => directory.load(userIds, deadline));
  }

  /**
   * Reads what a user is linked to.
   *
   * @returns null when GenAuth does not know the user.
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   * @throws {ManagementError} GenAuth could not be asked, or gave no usable answer.
   */
  async of(userId: string): Promise<UserIdentities> {
    return this.#loader.load(this.#management.parseId('userId', userId));
  }

  /**
   * Tells whether GenAuth says that there is no such user. A GenAuth that cannot be asked does not say so: the user stands,
   * and `of` reports the failure.
   *
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   */
  async isUnknown(userId: string): Promise<boolean> {
    const id = this.#management.parseId('userId', userId);
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
    const checked = this.#check(request);
    try {
      return await this.#unlinks.unlink(checked, this.#deadline);
    } finally {
      this.#loader.clear(checked.userId);
    }
  }

  #check({ userId, extIdpId, type }: { userId: string; extIdpId: string; type?: string | null }): UnlinkRequest {
    try {
      return {
        userId: this.#management.parseId('userId', userId),
        extIdpId: this.#management.parseId('extIdpId', extIdpId),
        ...(type === undefined || type === null ? {} : { type: parseIdentityType('type', type) }),
      };
    } catch (error) {
      throw new UnlinkNotExecutedError(error);
    }
  }
}
