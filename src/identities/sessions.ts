import { ForbiddenError, type Policy } from '../callers';
import { type Deadline, pause } from '../deadline';
import { type GenAuthId, type ManagementClient, ManagementRefusedError } from '../genauth';
import type { AuditedWrites, Execution, WriteContext } from './auditedWrites';
import type { BatchedReads } from './batchedReads';
import { NotExecutedError, NotVisibleError, OutcomeUnknownError } from './errors';
import { decidingResponse, send, type SentRequest } from './send';
import type { Turns } from './turns';
import type { UnlinkRules } from './unlinkRules';
import { VERIFY_AFTER_MS } from './verification';

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

/** Signs users out of all applications, and says of each what a check afterwards shows. */
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
      // GenAuth's final word about a user that it does not know.
      if (!(error instanceof ManagementRefusedError) || !error.isUserUnknown) throw new NotExecutedError(error);
      const { requestId, apiCode } = error;
      return { success: false, requestId, apiCode, operationId: null, applications: 0 };
    }
    if (appIds.length === 0) {
      return { success: true, requestId: null, apiCode: null, operationId: null, applications: 0 };
    }
    const target = { userId, extIdpId: null, type: null };
    const { execution, operationId } = await writes.run('sessions', target, context, (idempotencyKey) =>
      this.#execute(userId, appIds, idempotencyKey, context.deadline, onCalls),
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
    ]);
    onCalls(1);
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
    const sent: SentRequest[] = [];
    for (let start = 0; start < appIds.length; start += MAX_APPS) {
      const idempotencyKey = start === 0 ? operationId : `${operationId}-${start / MAX_APPS + 1}`;
      const chunk = appIds.slice(start, start + MAX_APPS);
      const result = await send(() => management.kickUser({ userId, appIds: chunk }, { deadline, idempotencyKey }));
      sent.push(result);
      // The next request would not be sent either.
      if (result.outcome === 'not_sent') break;
    }
    const upstream = decidingResponse(sent);
    onCalls(upstream.attempts);
    const base = { upstream, removed: null };
    const outcomes = new Set(sent.map(({ outcome }) => outcome));
    if (!outcomes.has('acked') && !outcomes.has('lost')) {
      const outcome = outcomes.has('refused') ? 'refused' : 'not_sent';
      return { ...base, outcome, error: sent.at(-1)?.error, applications: 0 };
    }
    const active = await this.#verify(userId, appIds, deadline, onCalls);
    const applications = active === null ? null : appIds.length - active;
    if (active === 0) {
      return { ...base, outcome: outcomes.has('acked') ? 'acked' : 'verified_absent', error: null, applications };
    }
    const failed = sent.find(({ outcome }) => outcome === 'lost' || outcome === 'not_sent');
    if (failed === undefined && outcomes.has('refused')) {
      return { ...base, outcome: 'refused', error: null, applications };
    }
    if (failed === undefined && active === null) return { ...base, outcome: 'acked', error: null, applications };
    return { ...base, outcome: 'unknown', error: failed?.error ?? new NotVisibleError(), applications };
  }

  /** Returns the number of applications that the user is still signed in to, or null if that could not be read. */
  async #verify(
    userId: GenAuthId,
    appIds: readonly string[],
    deadline: Deadline,
    onCalls: (calls: number) => void,
  ): Promise<number | null> {
    const { management } = this.#options;
    let left: readonly string[] = appIds;
    let isRead = false;
    for (const pauseMs of VERIFY_AFTER_MS) {
      if (pauseMs > 0) await pause(pauseMs, deadline).catch(() => undefined);
      if (deadline.aborted) break;
      const checks = await Promise.allSettled(left.map((appId) => management.isSignedIn(userId, appId, deadline)));
      onCalls(checks.length);
      left = left.filter((_appId, index) => {
        const check = checks[index];
        return check?.status !== 'fulfilled' || check.value;
      });
      isRead = checks.every(({ status }) => status === 'fulfilled');
      if (left.length === 0) return 0;
    }
    return isRead ? left.length : null;
  }
}

interface SessionsExecution extends Execution {
  /** The reason for `not_sent` and `unknown`. */
  error: unknown;
  applications: number | null;
}
