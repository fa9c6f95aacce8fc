import type { RemovedIdentity } from '../audit';
import { ForbiddenError, type Policy } from '../callers';
import { type Deadline, pause } from '../deadline';
import {
  type Account,
  type GenAuthId,
  type IdentityType,
  type ManagementClient,
  ManagementUnreachableError,
  parseIdentityType,
} from '../genauth';
import type { AuditedWrites, Execution, WriteContext } from './auditedWrites';
import type { BatchedReads } from './batchedReads';
import type { UserResult } from './batch';
import {
  LastIdentityError,
  NotAnIdentitySourceError,
  NotExecutedError,
  NotVisibleError,
  OutcomeUnknownError,
  SignInTooOldError,
} from './errors';
import { decidingResponse, send, type SentRequest } from './send';
import { canSignInAfter, mayRemove } from './signIn';
import type { SignInMethods } from './signInMethods';
import type { Turns } from './turns';
import { toSignInUser, type UnlinkRules } from './unlinkRules';
import { VERIFY_AFTER_MS } from './verification';

export interface UnlinkRequest {
  userId: GenAuthId;
  extIdpId: GenAuthId;
  /** Left out: every identity under the source. */
  type?: IdentityType;
}

/** The final result of an unlink. */
export interface UnlinkResult {
  /** False: GenAuth refused. */
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  operationId: string;
  userId: string;
  /** The user as read before the unlink. Null for a user that GenAuth does not know. */
  before: UserResult;
  /** The user as read after the unlink. Undefined if that could not be read. */
  after: UserResult | undefined;
  /** Selects the identities of `before` that are gone. Null if that could not be read. */
  isRemoved: ((identity: Account) => boolean) | null;
}

export interface UnlinksOptions {
  management: Pick<ManagementClient, 'unlinkIdentity'>;
  reads: BatchedReads;
  signInMethods: SignInMethods;
  policy: Policy;
  rules: UnlinkRules;
  turns: Turns;
  writes: AuditedWrites;
}

/** Unlinks users from identity sources, and says of each unlink what a read afterwards shows. */
export class Unlinks {
  readonly #options: UnlinksOptions;

  constructor(options: UnlinksOptions) {
    this.#options = options;
  }

  /**
   * Unlinks a user from an identity source.
   *
   * The order is: permission, turn of the user, read before, guard, intent, requests, read after.
   *
   * @param onCalls Called with the number of calls to GenAuth that the unlink took part in.
   * @returns A final result.
   * @throws {NotExecutedError} Nothing was executed.
   * @throws {OutcomeUnknownError} The unlink may have been executed, and reads do not show that it was.
   */
  async unlink(
    request: UnlinkRequest,
    context: WriteContext,
    onCalls: (calls: number) => void = () => undefined,
  ): Promise<UnlinkResult> {
    const { policy, turns } = this.#options;
    const { caller } = context;
    // Before the turn, so that a caller without permission cannot delay the unlinks of others.
    if (!policy.mayUnlink(caller, request.userId)) throw new NotExecutedError(new ForbiddenError());
    if (policy.isSignInTooOld(caller, request.userId)) throw new NotExecutedError(new SignInTooOldError());
    return turns.run(request.userId, () => this.#inTurn(request, context, onCalls));
  }

  async #inTurn(
    request: UnlinkRequest,
    context: WriteContext,
    onCalls: (calls: number) => void,
  ): Promise<UnlinkResult> {
    const { writes } = this.#options;
    const { userId, extIdpId, type = null } = request;
    const before = await this.#readBefore(request, context, onCalls);
    const { execution, operationId } = await writes.run('unlink', { userId, extIdpId, type }, context, (key) =>
      this.#execute(request, before, key, context.deadline, onCalls),
    );
    const { outcome, upstream, error, after, isRemoved } = execution;
    if (outcome === 'not_sent') throw new NotExecutedError(error, operationId);
    if (outcome === 'unknown') throw new OutcomeUnknownError('unlink', error, operationId);
    const { requestId, apiCode } = upstream;
    return { success: outcome !== 'refused', requestId, apiCode, operationId, userId, before, after, isRemoved };
  }

  /** Reads the user, and checks that the unlink is possible and allowed. */
  async #readBefore(
    request: UnlinkRequest,
    { caller, deadline }: WriteContext,
    onCalls: (calls: number) => void,
  ): Promise<UserResult> {
    const { reads, rules, signInMethods } = this.#options;
    const isGuarded = rules.isGuarded(caller, request.userId);
    const [[user = null], offered] = await Promise.all([
      reads.load([request.userId], deadline, onCalls),
      isGuarded ? signInMethods.offered(deadline).catch(toError) : null,
    ]);
    if (user instanceof Error) throw new NotExecutedError(user);
    if (user === null) return null;
    if (rules.isInactiveSelf(caller, user)) throw new NotExecutedError(new ForbiddenError());
    const signIn = toSignInUser(user);
    if (signIn !== null && isMistaken(request, signIn.accounts)) {
      throw new NotExecutedError(new NotAnIdentitySourceError());
    }
    if (!isGuarded) return user;
    if (signIn === null) throw new NotExecutedError(unreadable());
    // An unlink that removes nothing cannot remove the last way to sign in.
    if (!signIn.accounts.some(mayRemove(request, signIn.accounts))) return user;
    if (offered instanceof Error) throw new NotExecutedError(offered);
    if (offered !== null && !canSignInAfter(signIn, request, offered)) {
      throw new NotExecutedError(new LastIdentityError());
    }
    return user;
  }

  /** Sends the unlink, and verifies it by reading. Never fails. */
  async #execute(
    request: UnlinkRequest,
    before: UserResult,
    operationId: string,
    deadline: Deadline,
    onCalls: (calls: number) => void,
  ): Promise<UnlinkExecution> {
    const sent = await this.#send(request, before, operationId, deadline);
    const upstream = decidingResponse(sent);
    onCalls(upstream.attempts);
    const isExecuted = sent.some(({ outcome }) => outcome === 'acked' || outcome === 'lost');
    if (!isExecuted) {
      const refused = sent.some(({ outcome }) => outcome === 'refused');
      if (!refused)
        return {
          outcome: 'not_sent',
          upstream,
          removed: [],
          error: sent.at(-1)?.error,
          after: before,
          isRemoved: null,
        };
      return { outcome: 'refused', upstream, removed: [], error: null, after: before, isRemoved: () => false };
    }
    const verification = await this.#verify(request, before, sent, deadline, onCalls);
    return { ...verification, upstream, removed: toRemoved(before, verification.isRemoved) };
  }

  /** Sends one request for each type. Stops after a request that was not sent, because the next one would not be either. */
  async #send(
    { userId, extIdpId, type }: UnlinkRequest,
    before: UserResult,
    operationId: string,
    deadline: Deadline,
  ): Promise<SentRequest[]> {
    const { management } = this.#options;
    const types = type === undefined ? typesToSend(extIdpId, before?.accounts() ?? []) : [type];
    const sent: SentRequest[] = [];
    for (const [index, each] of types.entries()) {
      const idempotencyKey = index === 0 ? operationId : `${operationId}-${index + 1}`;
      const fields = { userId, extIdpId, ...(each === null ? {} : { type: each }) };
      const result = await send(() => management.unlinkIdentity(fields, { deadline, idempotencyKey }));
      sent.push(result);
      if (result.outcome === 'not_sent') break;
    }
    return sent;
  }

  /** Reads the user until the identities are gone, the pauses are used up, or the deadline passes. */
  async #verify(
    { userId, extIdpId, type }: UnlinkRequest,
    before: UserResult,
    sent: readonly SentRequest[],
    deadline: Deadline,
    onCalls: (calls: number) => void,
  ): Promise<Pick<UnlinkExecution, 'outcome' | 'error' | 'after' | 'isRemoved'>> {
    const { reads } = this.#options;
    const lost = sent.find(({ outcome }) => outcome === 'lost' || outcome === 'not_sent');
    const isHeld = before?.accounts()?.some((account) => account.extIdpId === extIdpId && account.type === type);
    // If the user does not hold this type, its absence says nothing about the request.
    const canVerify = lost === undefined || type === undefined || isHeld === true;
    const isMeant = (account: Account): boolean =>
      account.extIdpId === extIdpId && (type === undefined || account.type === type);
    let after: UserResult | undefined;
    for (const pauseMs of lost === undefined ? VERIFY_AFTER_MS : VERIFY_AFTER_MS.slice(1)) {
      if (pauseMs > 0) await pause(pauseMs, deadline).catch(() => undefined);
      if (deadline.aborted) break;
      const [user = null] = await reads.load([userId], deadline, onCalls);
      const accounts = user instanceof Error ? null : accountsOf(user);
      if (user instanceof Error || accounts === null) continue;
      after = user;
      if (canVerify && !accounts.some(isMeant)) {
        const outcome = sent.some((request) => request.outcome === 'acked') ? 'acked' : 'verified_absent';
        return { outcome, error: null, after, isRemoved: isGoneIn(before, after, { extIdpId, type }) };
      }
    }
    const isRemoved = after === undefined ? null : isGoneIn(before, after, { extIdpId, type });
    const isRefused = sent.some(({ outcome }) => outcome === 'refused');
    if (lost === undefined && isRefused) return { outcome: 'refused', error: null, after, isRemoved };
    if (lost === undefined && after === undefined) return { outcome: 'acked', error: null, after, isRemoved };
    return { outcome: 'unknown', error: lost?.error ?? new NotVisibleError(), after, isRemoved };
  }
}

interface UnlinkExecution extends Execution {
  /** The reason for `not_sent` and `unknown`. */
  error: unknown;
  after: UnlinkResult['after'];
  isRemoved: UnlinkResult['isRemoved'];
}

/** Whether `extIdpId` names an identity or a connection of the user instead of a source. */
function isMistaken({ extIdpId }: UnlinkRequest, accounts: readonly Account[]): boolean {
  return (
    !accounts.some((account) => account.extIdpId === extIdpId) &&
    accounts.some(({ id, originConnIds }) => id === extIdpId || originConnIds.includes(extIdpId))
  );
}

/**
 * The types to name in an unlink of every identity under a source. GenAuth may read a request without a type as `generic`, so
 * that every other type is named. Null: no type.
 *
 * @see docs/genauth-api.md#unlink-identity
 */
function typesToSend(extIdpId: string, accounts: readonly Account[]): (IdentityType | null)[] {
  const held = new Set(accounts.filter((account) => account.extIdpId === extIdpId).map(({ type }) => type));
  if ([...held].every((type) => type === 'generic')) return [null];
  const types = [...held].map(nameableType);
  return [...new Set(types)];
}

/** A type that cannot be part of a signed request is left out of it. */
function nameableType(type: string): IdentityType | null {
  try {
    return parseIdentityType('type', type);
  } catch {
    return null;
  }
}

/** @returns null if the response does not say which identities the user has. */
function accountsOf(user: UserResult): readonly Account[] | null {
  return user === null ? [] : user.accounts();
}

/** Returns whether an identity may have been removed by an unlink, and a later read no longer has it. */
function isGoneIn(
  before: UserResult,
  after: UserResult,
  { extIdpId, type = null }: { extIdpId: string; type?: string | undefined | null },
): ((identity: Account) => boolean) | null {
  const accounts = accountsOf(before);
  const left = accountsOf(after);
  if (accounts === null || left === null) return null;
  const isTarget = mayRemove({ extIdpId, type }, accounts);
  const keys = new Set(left.map(keyOf));
  return (identity) => isTarget(identity) && !keys.has(keyOf(identity));
}

function keyOf({ id, extIdpId, type, userIdInIdp }: Account): string {
  return id ?? JSON.stringify([extIdpId, type, userIdInIdp]);
}

function toRemoved(before: UserResult, isRemoved: UnlinkResult['isRemoved']): RemovedIdentity[] | null {
  const accounts = accountsOf(before);
  if (isRemoved === null || accounts === null) return null;
  return accounts.filter(isRemoved).map(({ id, type }) => ({ id, type }));
}

function unreadable(): ManagementUnreachableError {
  return new ManagementUnreachableError('GET /api/v3/get-user-batch', 'shape', 'maybe');
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a read failed without an error', { cause: error });
}
