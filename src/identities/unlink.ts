import { ForbiddenError, type Policy } from '../callers';
import type { Deadline } from '../deadline';
import {
  type Account,
  BATCH_ROUTE,
  type GenAuthId,
  type IdentityType,
  type ManagementClient,
  ManagementUnreachableError,
} from '../genauth';
import type { AuditedWrites, Execution, WriteContext } from './auditedWrites';
import type { BatchedReads } from './batchedReads';
import type { UserResult } from './batch';
import {
  LastIdentityError,
  NotAnIdentitySourceError,
  NotExecutedError,
  OutcomeUnknownError,
  SignInTooOldError,
  toError,
} from './errors';
import { decidingResponse, sendAll, type SentRequest } from './send';
import { canSignInAfter, mayRemove, typesToSend } from './signIn';
import type { SignInMethods } from './signInMethods';
import type { Turns } from './turns';
import type { UnlinkRules } from './unlinkRules';
import { removedIdentities, type Verification, verifyUnlink } from './verifyUnlink';

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
  /** Reads with the purpose `write`, so that queries cannot delay them. */
  reads: BatchedReads;
  signInMethods: SignInMethods;
  policy: Policy;
  rules: UnlinkRules;
  turns: Turns;
  writes: AuditedWrites;
}

/** Unlinks users from identity sources, and verifies each unlink by a read. */
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
    const before = await this.#readBefore(request, context, onCalls).catch((error: unknown) => {
      // Nothing has been sent, so that even an unexpected error leaves no doubt.
      throw error instanceof NotExecutedError ? error : new NotExecutedError(error);
    });
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
    { caller, deadline, profiles }: WriteContext,
    onCalls: (calls: number) => void,
  ): Promise<UserResult> {
    const { reads, rules, signInMethods } = this.#options;
    const isGuarded = rules.isGuarded(caller, request.userId);
    const [[user = null], offered] = await Promise.all([
      reads.load([request.userId], deadline, onCalls, profiles),
      isGuarded ? signInMethods.offered(deadline).catch(toError) : null,
    ]);
    if (user instanceof Error) throw new NotExecutedError(user);
    if (user === null) return null;
    if (rules.isInactiveSelf(caller, user)) throw new NotExecutedError(new ForbiddenError());
    const signIn = user.signInUser();
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

  /** Sends the unlink, and verifies it by reading. */
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
    const mayBeExecuted = sent.some(({ outcome }) => outcome === 'acked' || outcome === 'lost');
    if (!mayBeExecuted) {
      const outcome = sent.some((each) => each.outcome === 'refused') ? 'refused' : 'not_sent';
      const error = sent.at(-1)?.error;
      return { outcome, upstream, removed: [], error, after: before, isRemoved: () => false };
    }
    const read = (): Promise<UserResult | Error> =>
      this.#options.reads.load([request.userId], deadline, onCalls).then(([user = null]) => user);
    const verification = await verifyUnlink({ target: request, before, sent, deadline, read });
    return { ...verification, upstream, removed: removedIdentities(before, verification.isRemoved) };
  }

  /** Sends one request for each type. */
  #send(
    { userId, extIdpId, type }: UnlinkRequest,
    before: UserResult,
    operationId: string,
    deadline: Deadline,
  ): Promise<SentRequest[]> {
    const { management } = this.#options;
    const types = type === undefined ? typesToSend(extIdpId, before?.accounts() ?? []) : [type];
    return sendAll(types, operationId, (each, idempotencyKey) => {
      const fields = { userId, extIdpId, ...(each === null ? {} : { type: each }) };
      return management.unlinkIdentity(fields, { deadline, idempotencyKey });
    });
  }
}

type UnlinkExecution = Execution & Verification;

/** Whether `extIdpId` names an identity or a connection of the user instead of a source. */
function isMistaken({ extIdpId }: UnlinkRequest, accounts: readonly Account[]): boolean {
  return (
    !accounts.some((account) => account.extIdpId === extIdpId) &&
    accounts.some(({ id, originConnIds }) => id === extIdpId || originConnIds.includes(extIdpId))
  );
}

function unreadable(): ManagementUnreachableError {
  return new ManagementUnreachableError(BATCH_ROUTE, 'shape', 'maybe');
}
