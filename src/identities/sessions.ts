import { ForbiddenError, type Policy } from '../callers';
import type { Deadline } from '../deadline';
import { type GenAuthId, type ManagementClient, ManagementRefusedError } from '../genauth';
import type { AuditedWrites, Execution, WriteContext } from './auditedWrites';
import type { BatchedReads } from './batchedReads';
import { NotExecutedError, OutcomeUnknownError } from './errors';
import { decidingResponse, sendAll } from './send';
import type { Turns } from './turns';
import type { UnlinkRules } from './unlinkRules';
import { verify } from './verification';

/** The final result of signing a user out. */
export interface SessionsResult {
  /** False: GenAuth refused. */
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  /** Null if there was nothing to do. */
  operationId: string | null;
  /** Number of applications that the user was signed out of. Null if that could not be read. */
  applications: number | null;
}

export interface SessionsOptions {
  management: Pick<ManagementClient, 'kickUser' | 'listLoggedInApps' | 'isSignedIn'>;
  reads: BatchedReads;
  policy: Policy;
  rules: UnlinkRules;
  turns: Turns;
  writes: AuditedWrites;
}

/** GenAuth takes this many applications in one request. @see docs/genauth-api.md#sessions */
const MAX_APPS = 50;
/** More would fill the queue of reads, in which a call waits for a limited time only. */
const CONCURRENT_CHECKS = 10;

/** Signs users out of all applications, and verifies it by checking each application. */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /**
   * Ends the sessions of a user in every application that the user is signed in to.
   *
   * The order is: permission, turn of the user, list of applications, intent, one request for each 50 applications, check.
   *
   * @param onCalls Called with the number of calls to GenAuth that this took part in.
   * @returns A final result.
   * @throws {NotExecutedError} Nothing was executed.
   * @throws {OutcomeUnknownError} It may have been executed, and the checks do not show that it was.
   */
  async revoke(
    userId: GenAuthId,
    context: WriteContext,
    onCalls: (calls: number) => void = () => undefined,
  ): Promise<SessionsResult> {
    const { policy, turns } = this.#options;
    if (!policy.mayRevokeSessions(context.caller, userId)) throw new NotExecutedError(new ForbiddenError());
    return turns.run(userId, () => this.#inTurn(userId, context, onCalls));
  }

  async #inTurn(userId: GenAuthId, context: WriteContext, onCalls: (calls: number) => void): Promise<SessionsResult> {
    const { writes } = this.#options;
    let appIds: readonly string[];
    try {
      appIds = await this.#readApps(userId, context, onCalls);
    } catch (error) {
      // A final result: GenAuth does not know the user.
      if (!(error instanceof ManagementRefusedError) || !error.isUserUnknown) throw new NotExecutedError(error);
      const { requestId, apiCode } = error;
      return { success: false, requestId, apiCode, operationId: null, applications: 0 };
    }
    if (appIds.length === 0) {
      return { success: true, requestId: null, apiCode: null, operationId: null, applications: 0 };
    }
    const target = { userId, extIdpId: null, type: null };
    const { execution, operationId } = await writes.run('sessions', target, context, (id) =>
      this.#execute(userId, appIds, id, context.deadline, onCalls),
    );
    const { outcome, upstream, error, applications } = execution;
    if (outcome === 'not_sent') throw new NotExecutedError(error, operationId);
    if (outcome === 'unknown') throw new OutcomeUnknownError('sessions', error, operationId);
    const { requestId, apiCode } = upstream;
    return { success: outcome !== 'refused', requestId, apiCode, operationId, applications };
  }

  async #readApps(
    userId: GenAuthId,
    { caller, deadline }: WriteContext,
    onCalls: (calls: number) => void,
  ): Promise<readonly string[]> {
    const { management, reads, rules } = this.#options;
    const [appIds, [user = null]] = await Promise.all([
      management.listLoggedInApps(userId, deadline),
      rules.isSelf(caller, userId) ? reads.load([userId], deadline, onCalls) : [null],
    ]).finally(() => onCalls(1));
    if (user instanceof Error) throw user;
    if (user !== null && rules.isInactiveSelf(caller, user)) throw new ForbiddenError();
    return appIds;
  }

  /** Sends the requests, and checks every application. Never fails. */
  async #execute(
    userId: GenAuthId,
    appIds: readonly string[],
    operationId: string,
    deadline: Deadline,
    onCalls: (calls: number) => void,
  ): Promise<SessionsExecution> {
    const { management } = this.#options;
    const sent = await sendAll(toChunks(appIds, MAX_APPS), operationId, (chunk, idempotencyKey) =>
      management.kickUser({ userId, appIds: chunk }, { deadline, idempotencyKey }),
    );
    const upstream = decidingResponse(sent);
    onCalls(upstream.attempts);
    let left = appIds;
    const { outcome, error, after } = await verify<Checks>({
      sent,
      deadline,
      read: async () => {
        const checks = await this.#check(userId, left, deadline, onCalls);
        left = checks.left;
        // Applications that could not be checked say nothing, unless another one shows that the user is still signed in.
        return checks.unread < left.length || left.length === 0 ? checks : undefined;
      },
      isReached: (checks) => checks.left.length === 0,
      settledAs: 'verified_absent',
    });
    const isExecuted = sent.some(({ outcome: each }) => each === 'acked' || each === 'lost');
    const ended = after === undefined || after.unread > 0 ? null : appIds.length - after.left.length;
    return { outcome, upstream, removed: null, error, applications: isExecuted ? ended : 0 };
  }

  /** Checks in which of some applications the user is still signed in. Never fails. */
  async #check(
    userId: GenAuthId,
    appIds: readonly string[],
    deadline: Deadline,
    onCalls: (calls: number) => void,
  ): Promise<Checks> {
    const { management } = this.#options;
    const left: string[] = [];
    let unread = 0;
    for (const chunk of toChunks(appIds, CONCURRENT_CHECKS)) {
      const checks = await Promise.allSettled(chunk.map((appId) => management.isSignedIn(userId, appId, deadline)));
      onCalls(checks.length);
      unread += checks.filter(({ status }) => status === 'rejected').length;
      left.push(...chunk.filter((_appId, index) => isLeft(checks[index])));
    }
    return { left, unread };
  }
}

function isLeft(check: PromiseSettledResult<boolean> | undefined): boolean {
  return check?.status !== 'fulfilled' || check.value;
}

/** The result of checking applications. */
interface Checks {
  /** The applications that the user is still signed in to, and those that could not be checked. */
  left: readonly string[];
  /** The number of applications that could not be checked. */
  unread: number;
}

interface SessionsExecution extends Execution {
  /** The reason for `not_sent` and `unknown`. */
  error: unknown;
  applications: number | null;
}

function toChunks(appIds: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(appIds.length / size) }, (_chunk, index) =>
    appIds.slice(index * size, (index + 1) * size),
  );
}
