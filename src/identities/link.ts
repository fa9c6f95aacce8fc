import { ForbiddenError, type Policy } from '../callers';
import { type Deadline, pause } from '../deadline';
import type { AccountId, GenAuthId, IdentityType, ManagementClient } from '../genauth';
import type { AuditedWrites, Execution, WriteContext } from './auditedWrites';
import type { UserResult } from './batch';
import type { BatchedReads } from './batchedReads';
import { NotExecutedError, NotVisibleError, OutcomeUnknownError } from './errors';
import { send, type SentRequest } from './send';
import type { Turns } from './turns';
import { VERIFY_AFTER_MS } from './verification';

export interface LinkRequest {
  userId: GenAuthId;
  extIdpId: GenAuthId;
  /** The id of the user's account at the identity source. */
  userIdInIdp: AccountId;
  /** Left out: GenAuth's default. */
  type?: IdentityType;
}

/** The final result of a link. */
export interface LinkResult {
  /** False: GenAuth refused. */
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  operationId: string;
  /** The user as read after the link. Undefined if that could not be read. */
  after: UserResult | undefined;
}

export interface LinksOptions {
  management: Pick<ManagementClient, 'linkIdentity'>;
  reads: BatchedReads;
  policy: Policy;
  turns: Turns;
  writes: AuditedWrites;
}

/**
 * Links users to accounts at identity sources, and says of each link what a read afterwards shows.
 *
 * GenAuth does not check who owns the account. For this reason, users may not link accounts to themselves.
 */
export class Links {
  readonly #options: LinksOptions;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /**
   * Links a user to an account.
   *
   * The order is: permission, turn of the user, intent, request, read after.
   *
   * @param onCalls Called with the number of calls to GenAuth that the link took part in.
   * @returns A final result.
   * @throws {NotExecutedError} Nothing was executed.
   * @throws {OutcomeUnknownError} The link may have been executed, and reads do not show that it was.
   */
  async link(
    request: LinkRequest,
    context: WriteContext,
    onCalls: (calls: number) => void = () => undefined,
  ): Promise<LinkResult> {
    const { policy, turns, writes } = this.#options;
    const { userId, extIdpId, userIdInIdp, type = null } = request;
    if (!policy.mayLink(context.caller)) throw new NotExecutedError(new ForbiddenError());
    return turns.run(userId, async () => {
      const target = { userId, extIdpId, userIdInIdp, type };
      const { execution, operationId } = await writes.run('link', target, context, (idempotencyKey) =>
        this.#execute(request, idempotencyKey, context.deadline, onCalls),
      );
      const { outcome, upstream, error, after } = execution;
      if (outcome === 'not_sent') throw new NotExecutedError(error, operationId);
      if (outcome === 'unknown') throw new OutcomeUnknownError('link', error, operationId);
      const { requestId, apiCode } = upstream;
      return { success: outcome !== 'refused', requestId, apiCode, operationId, after };
    });
  }

  /** Sends the link once, and verifies it by reading. Never fails. */
  async #execute(
    request: LinkRequest,
    idempotencyKey: string,
    deadline: Deadline,
    onCalls: (calls: number) => void,
  ): Promise<LinkExecution> {
    const { management, reads } = this.#options;
    const sent = await send(() => management.linkIdentity(request, { deadline, idempotencyKey }));
    const { outcome, upstream, error } = sent;
    onCalls(upstream.attempts);
    const base = { upstream, removed: null };
    if (outcome === 'not_sent') return { ...base, outcome, error, after: undefined };
    let after: UserResult | undefined;
    for (const pauseMs of pausesAfter(sent)) {
      if (pauseMs > 0) await pause(pauseMs, deadline).catch(() => undefined);
      if (deadline.aborted) break;
      const [user = null] = await reads.load([request.userId], deadline, onCalls);
      if (user instanceof Error) continue;
      after = user;
      if (outcome === 'refused' || isLinked(user, request)) {
        return { ...base, outcome: outcome === 'lost' ? 'verified_present' : outcome, error: null, after };
      }
    }
    const isConfirmed = outcome === 'refused' || (outcome === 'acked' && after === undefined);
    if (isConfirmed) return { ...base, outcome, error: null, after };
    return { ...base, outcome: 'unknown', error: error ?? new NotVisibleError(), after };
  }
}

interface LinkExecution extends Execution {
  /** The reason for `not_sent` and `unknown`. */
  error: unknown;
  after: LinkResult['after'];
}

/** A lost response needs time: GenAuth may still be executing the request. A refusal needs one read, for the user. */
function pausesAfter({ outcome }: SentRequest): readonly number[] {
  if (outcome === 'lost') return VERIFY_AFTER_MS.slice(1);
  return outcome === 'refused' ? VERIFY_AFTER_MS.slice(0, 1) : VERIFY_AFTER_MS;
}

function isLinked(user: UserResult, { extIdpId, userIdInIdp, type }: LinkRequest): boolean {
  const accounts = user?.accounts() ?? [];
  return accounts.some(
    (account) =>
      account.extIdpId === extIdpId &&
      account.userIdInIdp === userIdInIdp &&
      (type === undefined || account.type === type),
  );
}
