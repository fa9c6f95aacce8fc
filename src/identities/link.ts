import { ForbiddenError, type Policy } from '../callers';
import type { Deadline } from '../deadline';
import type { Account, AccountId, GenAuthId, IdentityType, ManagementClient } from '../genauth';
import type { AuditedWrites, Execution, WriteContext } from './auditedWrites';
import type { UserResult } from './batch';
import type { BatchedReads } from './batchedReads';
import { NotExecutedError, OutcomeUnknownError } from './errors';
import { decidingResponse, sendAll } from './send';
import type { Turns } from './turns';
import { verify } from './verification';

export interface LinkRequest {
  userId: GenAuthId;
  extIdpId: GenAuthId;
  /** The id of the user's account at the identity source. */
  userIdInIdp: AccountId;
  type: IdentityType;
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
 * Links users to accounts at identity sources, and verifies each link by a read.
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
    const { userId, extIdpId, userIdInIdp, type } = request;
    if (!policy.mayLink(context.caller, userId)) throw new NotExecutedError(new ForbiddenError());
    return turns.run(userId, async () => {
      const target = { userId, extIdpId, userIdInIdp, type };
      const { execution, operationId } = await writes.run('link', target, context, (id) =>
        this.#execute(request, id, context.deadline, onCalls),
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
    operationId: string,
    deadline: Deadline,
    onCalls: (calls: number) => void,
  ): Promise<LinkExecution> {
    const { management, reads } = this.#options;
    const sent = await sendAll([request], operationId, (link, idempotencyKey) =>
      management.linkIdentity(link, { deadline, idempotencyKey }),
    );
    const upstream = decidingResponse(sent);
    onCalls(upstream.attempts);
    const read = async (): Promise<ReadAccounts | undefined> => {
      const [user = null] = await reads.load([request.userId], deadline, onCalls);
      if (user instanceof Error) return undefined;
      const accounts = user === null ? [] : user.accounts();
      return accounts === null ? undefined : { user, accounts };
    };
    const { outcome, error, after } = await verify<ReadAccounts>({
      sent,
      deadline,
      read,
      isReached: ({ accounts }) => accounts.some(isLinkedTo(request)),
      settledAs: 'verified_present',
    });
    const shown = outcome === 'refused' ? await read() : after;
    return { outcome, upstream, removed: null, error, after: shown?.user };
  }
}

interface LinkExecution extends Execution {
  /** The reason for `not_sent` and `unknown`. */
  error: unknown;
  after: LinkResult['after'];
}

/** A user who could be read, and the accounts that the user is linked to. */
interface ReadAccounts {
  user: UserResult;
  accounts: readonly Account[];
}

/** Returns whether an identity is the one that a link asks for. */
export function isLinkedTo(link: {
  extIdpId: string;
  userIdInIdp: string;
  type: string | null;
}): (identity: Account) => boolean {
  return ({ extIdpId, userIdInIdp, type }) =>
    extIdpId === link.extIdpId && userIdInIdp === link.userIdInIdp && type === link.type;
}
