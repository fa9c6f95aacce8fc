import { type AuditLog, createOperationId, type UnlinkIntent, type UnlinkOutcome, type UpstreamResult } from '../audit';
import { type Caller, ForbiddenError, type Policy } from '../callers';
import { type Deadline, untilAborted } from '../deadline';
import { type GenAuthId, type ManagementClient, ManagementUnreachableError } from '../genauth';
import { UnlinkNotExecutedError, UnlinkOutcomeUnknownError } from './errors';
import { guardLastIdentity, isGuarded, type LastIdentityGuard } from './lastIdentity';
import { sendAndSettle, type Settlement, type UnlinkRequest } from './settle';

/** The final result of an unlink. */
export interface UnlinkResult {
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  userId: string;
}

export interface UnlinksOptions {
  management: Pick<ManagementClient, 'unlinkIdentity' | 'getUserIdentities' | 'getUser'>;
  policy: Policy;
  guard: LastIdentityGuard;
  audit: AuditLog;
  /** Called with each outcome that is recorded in the audit trail. */
  onOutcome: (outcome: UnlinkOutcome['outcome']) => void;
}

/**
 * The unlinks of this process. Unlinks of the same user run one after another. If they overlapped, a read after a lost response
 * could not show which of them was executed.
 */
export class Unlinks {
  readonly #options: UnlinksOptions;
  /** Users with an unlink in progress, and the unlinks that wait for it to end. */
  readonly #turns = new Map<GenAuthId, (() => void)[]>();
  readonly #inProgress = new Set<{ intent: UnlinkIntent; start: number }>();

  constructor(options: UnlinksOptions) {
    this.#options = options;
  }

  /**
   * Unlinks a user from an identity source. Checks the permission and the guard, records the intent, sends the request once,
   * settles the outcome and records it.
   *
   * @param deadline If it passes after the request was sent, the outcome is unknown.
   * @param onEnd Called with the number of calls to GenAuth.
   * @returns The final result. `success` is false if GenAuth refused and nothing was unlinked.
   * @throws {UnlinkNotExecutedError} Nothing was executed.
   * @throws {UnlinkOutcomeUnknownError} The unlink may have been executed.
   */
  async unlink(
    request: UnlinkRequest,
    caller: Caller,
    deadline: Deadline,
    onEnd: (calls: number) => void = nothing,
  ): Promise<UnlinkResult> {
    const { management, policy, guard } = this.#options;
    const { userId } = request;
    // Before the turn is taken, so that a caller without permission cannot delay the unlinks of others.
    if (!policy.mayUnlink(caller, userId)) throw new UnlinkNotExecutedError(new ForbiddenError());
    // The wait needs no deadline: the unlinks that are waited for started earlier, and end by their own deadlines.
    await this.#takeTurn(userId);
    try {
      if (isGuarded(guard, caller, userId)) await guardLastIdentity(management, request, deadline);
      const { settlement, operationId } = await this.#audited(request, caller, deadline);
      onEnd(settlement.upstream.attempts + settlement.reads);
      return toResult(settlement, userId, operationId);
    } finally {
      this.#endTurn(userId);
    }
  }

  /** Resolves when all earlier unlinks of the user have ended. */
  #takeTurn(userId: GenAuthId): Promise<void> {
    const waiting = this.#turns.get(userId);
    if (waiting !== undefined) return new Promise((resolve) => waiting.push(resolve));
    this.#turns.set(userId, []);
    return Promise.resolve();
  }

  #endTurn(userId: GenAuthId): void {
    const next = this.#turns.get(userId)?.shift();
    if (next === undefined) this.#turns.delete(userId);
    else next();
  }

  /** Sends the unlink after its intent is durable, and records the outcome. The response does not wait for the outcome's record. */
  async #audited(
    request: UnlinkRequest,
    caller: Caller,
    deadline: Deadline,
  ): Promise<{ settlement: Settlement; operationId: string }> {
    const { management, audit, onOutcome } = this.#options;
    const { userId, extIdpId, type } = request;
    const operationId = createOperationId();
    const intent: UnlinkIntent = { operationId, actor: caller, target: { userId, extIdpId, type: type ?? null } };
    const entry = { intent, start: performance.now() };
    this.#inProgress.add(entry);
    try {
      // A disk that hangs must not delay the response, or the next unlink of this user, past the deadline.
      await untilAborted(audit.intent(intent), deadline);
    } catch (error) {
      if (!deadline.aborted) {
        this.#inProgress.delete(entry);
        throw new UnlinkNotExecutedError(error, operationId);
      }
    }
    const settlement = deadline.aborted ? DEADLINE_BEFORE_SENDING : await sendAndSettle(management, request, deadline);
    const { outcome, upstream } = settlement;
    const latencyMs = Math.round(performance.now() - entry.start);
    // If this fails, the intent stays open, and has to be reconciled.
    void audit.outcome({ operationId, actor: caller, target: intent.target, outcome, upstream, latencyMs });
    this.#inProgress.delete(entry);
    onOutcome(outcome);
    return { settlement, operationId };
  }

  /** Records the unlinks in progress as abandoned, because the process ends before their responses arrive. */
  async abandon(): Promise<void> {
    const { audit, onOutcome } = this.#options;
    const upstream = { ...NO_RESPONSE, attempts: 1 };
    const records = [...this.#inProgress].map(({ intent, start }) => {
      onOutcome('abandoned');
      const latencyMs = Math.round(performance.now() - start);
      return audit.outcome({ ...intent, outcome: 'abandoned', upstream, latencyMs });
    });
    await Promise.allSettled(records);
  }
}

const NO_RESPONSE: UpstreamResult = { statusCode: null, apiCode: null, requestId: null, attempts: 0 };

const DEADLINE_BEFORE_SENDING: Settlement = {
  outcome: 'not_sent',
  upstream: NO_RESPONSE,
  reads: 0,
  error: new ManagementUnreachableError('POST /api/v3/unlink-identity', 'deadline', 'no'),
};

function toResult({ outcome, upstream, error }: Settlement, userId: string, operationId: string): UnlinkResult {
  if (outcome === 'unknown') throw new UnlinkOutcomeUnknownError(error, operationId);
  if (error !== null) throw new UnlinkNotExecutedError(error, operationId);
  const { requestId, apiCode } = upstream;
  return { success: outcome !== 'refused', requestId, apiCode, userId };
}

function nothing(): void {}
