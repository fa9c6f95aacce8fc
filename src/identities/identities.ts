import DataLoader from 'dataloader';
import { ForbiddenError, type Policy } from '../callers';
import { type GenAuthId, IdentityList, type ManagementClient, type UserRecord } from '../genauth';
import type { WriteContext } from './auditedWrites';
import type { UserResult } from './batch';
import type { BatchedReads } from './batchedReads';
import { hasOperationId, toError } from './errors';
import type { Links } from './link';
import { checkLink, checkUnlink, checkUserId, type RequestedLink, type RequestedUnlink } from './requestedWrites';
import type { Sessions, SessionsResult } from './sessions';
import type { UnlinkResult, Unlinks } from './unlink';
import { UserLists } from './userLists';
import { UserPool, type UserPoolOptions } from './userPool';
import { type ReadableUser, toUserRead, type UserRead } from './userRead';

export interface IdentitiesOptions extends UserPoolOptions {
  management: Pick<ManagementClient, 'parseId' | 'getOwners'>;
  batchedReads: BatchedReads;
  unlinks: Unlinks;
  links: Links;
  sessions: Sessions;
  policy: Policy;
}

/** Identities, and the user that they belong to or belonged to. Null: a user that GenAuth does not know. */
export interface LinkedIdentities {
  user: UserRecord | null;
  identities: IdentityList;
}

/** A link, as far as the caller may see it. */
export interface VisibleLink {
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  operationId: string;
  /** The user after the link. Null if it could not be read, GenAuth does not know it, or the caller may not read it. */
  user: ReadableUser | null;
}

/** An unlink, as far as the caller may see it. */
export interface VisibleUnlink {
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  operationId: string;
  userId: string;
  /** The identities that were removed. Null if they could not be read, or the caller may not read the user. */
  removed: LinkedIdentities | null;
  /** The user after the unlink. Null if it could not be read, GenAuth does not know it, or the caller may not read it. */
  user: ReadableUser | null;
}

/**
 * The identities that one request reads and unlinks. It remembers what it has read, so that one operation never sees a user
 * in two states, except before and after its own unlink.
 */
export class Identities {
  readonly #options: IdentitiesOptions;
  readonly #context: WriteContext;
  // Each of these is created when it is needed, because most requests read all their users at once and nothing else.
  #loaderOrNone: DataLoader<GenAuthId, UserResult> | undefined;
  #poolOrNone: UserPool | undefined;
  #listsOrNone: UserLists | undefined;
  #calls = 0;
  /** Whether the request selects `userInfoInIdp`. If so, a user whose profiles are too large cannot be read. */
  selectsProfiles = true;
  /** Whether the request selects `label`, which is null where a profile is too large. */
  selectsLabels = true;
  #operationId: string | null = null;

  /** @param context The caller, the id and the deadline of the request. */
  constructor(options: IdentitiesOptions, context: WriteContext) {
    this.#options = options;
    this.#context = context;
  }

  /** The identity sources and ways to sign in of the user pool. */
  get pool(): UserPool {
    this.#poolOrNone ??= new UserPool(this.#options, this.#context);
    return this.#poolOrNone;
  }

  /** Lists of users by their ids, and by their accounts. */
  get lists(): UserLists {
    this.#listsOrNone ??= new UserLists({
      ...this.#options,
      ...this.#context,
      loader: () => this.#loader,
      toUserRead: (result) => this.#toUserRead(result),
      onCall: () => this.#onCalls(1),
    });
    return this.#listsOrNone;
  }

  /** Reads users one by one. */
  get #loader(): DataLoader<GenAuthId, UserResult> {
    this.#loaderOrNone ??= new DataLoader((userIds) => this.#load(userIds));
    return this.#loaderOrNone;
  }

  #load(userIds: readonly GenAuthId[]): Promise<(UserResult | Error)[]> {
    return this.#options.batchedReads.load(userIds, this.#context.deadline, this.#onCalls, this.#needsProfiles);
  }

  /** Number of calls to GenAuth that this request has taken part in so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Identifies the audit records of this request's write. Null if there are none. */
  get operationId(): string | null {
    return this.#operationId;
  }

  /**
   * Reads a user.
   *
   * @returns null if GenAuth does not know the user.
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   * @throws {ForbiddenError} The caller may not read this user, whether or not the user exists.
   * @throws {ManagementError} GenAuth could not be reached, or gave no usable response.
   */
  async of(userId: string): Promise<ReadableUser | null> {
    const read = this.#toUserRead(await this.#loader.load(this.#readable(userId)));
    if (read instanceof Error) throw read;
    return read;
  }

  /**
   * Reads many users, each on its own: an error of one does not affect the others. Unlike `of`, it does not remember what it
   * has read.
   *
   * @returns For each id what `of` returns, or the error that `of` throws.
   */
  async many(userIds: readonly string[]): Promise<UserRead[]> {
    const { management, policy } = this.#options;
    // One error serves all users that the caller may not read, because the stack of each would cost 5 µs.
    let forbidden: ForbiddenError | undefined;
    const reads = userIds.map((userId) => {
      try {
        const id = management.parseId('userId', userId);
        return policy.mayRead(this.#context.caller, id) ? id : (forbidden ??= new ForbiddenError());
      } catch (error) {
        return toError(error);
      }
    });
    const ids = reads.filter((read) => typeof read === 'string');
    const results = await this.#load(ids);
    const rest = results.values();
    return reads.map((read) => (typeof read === 'string' ? this.#toUserRead(rest.next().value ?? null) : read));
  }

  /** Whether the id is one of the user pool, and the caller may read the user. */
  mayRead(userId: string): boolean {
    const { management, policy } = this.#options;
    try {
      return policy.mayRead(this.#context.caller, management.parseId('userId', userId));
    } catch {
      return false;
    }
  }

  /**
   * Checks an id without reading the user.
   *
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   */
  checkId(userId: string): void {
    this.#options.management.parseId('userId', userId);
  }

  /**
   * Whether GenAuth says that the user does not exist. If the user cannot be read, or the caller may not read it, nothing is
   * known, and `of` throws the reason.
   *
   * @throws {InvalidArgumentError} `userId` is not an id of the user pool.
   */
  async isUnknown(userId: string): Promise<boolean> {
    const { management, policy } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(this.#context.caller, id)) return false;
    return this.#loader.load(id).then(
      (user) => user === null,
      () => false,
    );
  }

  /**
   * Unlinks a user from an identity source. Later reads of this request see the user as read after the unlink.
   *
   * @param request.type Default: every identity under the source.
   * @throws {NotExecutedError} Nothing was executed; an invalid argument is one reason.
   * @throws {OutcomeUnknownError} It may have been executed.
   */
  async unlink(request: RequestedUnlink): Promise<VisibleUnlink> {
    const { management, unlinks } = this.#options;
    const checked = checkUnlink(management.parseId, request);
    const result = await this.#write(
      checked.userId,
      unlinks.unlink(checked, { ...this.#context, profiles: this.#needsProfiles }, this.#onCalls),
    );
    this.#remember(checked.userId, result.after);
    return this.#visible(checked.userId, result);
  }

  /**
   * Links a user to an account at an identity source. Later reads of this request see the user as read after the link.
   *
   * @throws {NotExecutedError} Nothing was executed; an invalid argument is one reason.
   * @throws {OutcomeUnknownError} It may have been executed.
   */
  async link(request: RequestedLink): Promise<VisibleLink> {
    const { management, links } = this.#options;
    const checked = checkLink(management.parseId, request);
    const result = await this.#write(checked.userId, links.link(checked, this.#context, this.#onCalls));
    this.#remember(checked.userId, result.after);
    const { success, requestId, apiCode, operationId, after } = result;
    return { success, requestId, apiCode, operationId, user: this.#readableAfter(checked.userId, after) };
  }

  /**
   * Signs a user out of every application.
   *
   * @throws {NotExecutedError} Nothing was executed; an invalid argument is one reason.
   * @throws {OutcomeUnknownError} It may have been executed.
   */
  async revokeSessions(userId: string): Promise<SessionsResult> {
    const { management, sessions } = this.#options;
    const id = checkUserId(management.parseId, userId);
    return this.#write(id, sessions.revoke(id, this.#context, this.#onCalls));
  }

  /** Forgets the user, whom a write may change, and keeps the operation id. */
  async #write<Result extends { operationId: string | null }>(
    userId: GenAuthId,
    write: Promise<Result>,
  ): Promise<Result> {
    try {
      const result = await write;
      this.#operationId = result.operationId ?? this.#operationId;
      return result;
    } catch (error) {
      if (hasOperationId(error)) this.#operationId = error.operationId ?? this.#operationId;
      throw error;
    } finally {
      this.#loaderOrNone?.clear(userId);
    }
  }

  /** @param after Undefined if the user could not be read. */
  #remember(userId: GenAuthId, after: UserResult | undefined): void {
    if (after !== undefined) this.#loader.prime(userId, after);
  }

  #readableAfter(userId: GenAuthId, after: UserResult | undefined): ReadableUser | null {
    const mayRead = this.#options.policy.mayRead(this.#context.caller, userId);
    const read = mayRead && after !== undefined ? this.#toUserRead(after) : null;
    return read instanceof Error ? null : read;
  }

  #visible(userId: GenAuthId, result: UnlinkResult): VisibleUnlink {
    const { success, requestId, apiCode, operationId, before, after, isRemoved } = result;
    const mayRead = this.#options.policy.mayRead(this.#context.caller, userId);
    const linked = before === null ? IdentityList.EMPTY : before.identities;
    const identities = mayRead && isRemoved !== null ? (linked?.filter(isRemoved) ?? null) : null;
    return {
      success,
      requestId,
      apiCode,
      operationId,
      userId,
      removed: identities && { user: before, identities },
      user: this.#readableAfter(userId, after),
    };
  }

  /** If not, large responses of GenAuth are not kept for the request. */
  get #needsProfiles(): boolean {
    return this.selectsProfiles || this.selectsLabels;
  }

  #toUserRead(result: UserResult | Error): UserRead {
    return toUserRead(result, this.selectsProfiles);
  }

  readonly #onCalls = (calls: number): void => {
    this.#calls += calls;
  };

  /** Checks that the caller may read the user. */
  #readable(userId: string): GenAuthId {
    const { management, policy } = this.#options;
    const id = management.parseId('userId', userId);
    if (!policy.mayRead(this.#context.caller, id)) throw new ForbiddenError();
    return id;
  }
}
