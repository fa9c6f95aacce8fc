import type DataLoader from 'dataloader';
import { type Caller, ForbiddenError, type Policy, TRUSTED } from '../callers';
import type { Deadline } from '../deadline';
import { type GenAuthId, InvalidArgumentError, type ManagementClient, parseAccountId } from '../genauth';
import type { UserResult } from './batch';
import { Owners } from './owners';
import type { ReadableUser, UserRead } from './userRead';

/** A user in a list: null for a user that GenAuth does not know, or an account without an owner; or the error of this item. */
export type ListedUser = { readonly id: string; readonly read: ReadableUser | Error } | null | Error;

export interface UserListsOptions {
  management: Pick<ManagementClient, 'parseId' | 'getOwners'>;
  policy: Policy;
  caller: Caller;
  deadline: Deadline;
  /** Returns the loader of the request's users, which remembers those that were read. */
  loader: () => DataLoader<GenAuthId, UserResult>;
  toUserRead: (result: UserResult | Error) => UserRead;
  onCall: () => void;
}

/** Lists of users that one request asks for. An error of one user does not affect the others. */
export class UserLists {
  readonly #options: UserListsOptions;
  #ownersOrNone: Owners | undefined;

  constructor(options: UserListsOptions) {
    this.#options = options;
  }

  get #owners(): Owners {
    this.#ownersOrNone ??= new Owners(this.#options);
    return this.#ownersOrNone;
  }

  /**
   * Reads users by their ids.
   *
   * @param ids Null: the caller.
   * @returns A user for each id. An invalid id, or a user that the caller may not read, is an error of this item.
   * @throws {InvalidArgumentError} `ids` is null, and the caller is not a user.
   */
  async byId(ids: readonly string[] | null): Promise<ListedUser[]> {
    const checked = (ids ?? [this.#idOfCaller()]).map((id) => orError(() => this.#readable(id)));
    const { loader, toUserRead } = this.#options;
    const results = await loader().loadMany(checked.filter((id) => typeof id === 'string'));
    const rest = results.values();
    return checked.map((id): ListedUser => {
      if (id instanceof Error) return id;
      const read = toUserRead(rest.next().value ?? null);
      return read && { id, read };
    });
  }

  /**
   * Reads the owners of accounts.
   *
   * @returns An owner for each account. An id that cannot be signed is an error of this item.
   * @throws {ForbiddenError} The caller may not look for owners.
   * @throws {InvalidArgumentError} `extIdpId` is not an id of the user pool.
   */
  async byAccount(extIdpId: string, userIdsInIdp: readonly string[]): Promise<ListedUser[]> {
    const { management, policy, caller, loader, toUserRead } = this.#options;
    if (!policy.mayFindOwners(caller)) throw new ForbiddenError();
    const source = management.parseId('extIdpId', extIdpId);
    const checked = userIdsInIdp.map((id) => orError(() => parseAccountId('userIdsInIdp', id)));
    const accounts = checked.filter((id) => typeof id === 'string');
    const owners = await this.#owners.find(accounts.map((userIdInIdp) => ({ extIdpId: source, userIdInIdp })));
    const rest = owners.values();
    return checked.map((account): ListedUser => {
      const owner = account instanceof Error ? account : (rest.next().value ?? null);
      if (owner === null || owner instanceof Error) return owner;
      const id = orError(() => management.parseId('userId', owner.id));
      if (id instanceof Error) return id;
      loader().prime(id, owner);
      const read = toUserRead(owner);
      return read && { id, read };
    });
  }

  #idOfCaller(): string {
    const { caller } = this.#options;
    if (caller !== TRUSTED && caller.sub !== null) return caller.sub;
    throw new InvalidArgumentError('ids', 'is required, because the caller is not a user');
  }

  #readable(userId: string): GenAuthId {
    const { management, policy, caller } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(caller, id)) throw new ForbiddenError();
    return id;
  }
}

function orError<Value>(check: () => Value): Value | Error {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error : new Error('a check failed without an error', { cause: error });
  }
}
