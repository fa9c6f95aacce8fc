import { type AuditLog, createOperationId, type UnlinkIntent, type UnlinkOutcome, type UpstreamResult } from '../audit';
import { type Caller, ForbiddenError, type Policy } from '../callers';
import { type Deadline, untilAborted } from '../deadline';
import { type GenAuthId, type ManagementClient, ManagementUnreachableError } from '../genauth';
import { UnlinkNotExecutedError, UnlinkOutcomeUnknownError } from './errors';
import { guardLastIdentity, isGuarded, type LastIdentityGuard } from './lastIdentity';
import { sendAndSettle, type Settlement, type UnlinkRequest } from './settle';

/** GenAuth's final word on an unlink. */
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
  /** Told of every unlink that the audit trail has an outcome of. */
  onOutcome: (outcome: UnlinkOutcome['outcome']) => void;
}

/**
 * The unlinks of this process. Those of one user run one after another: two that overlap could not be told apart when one
 * of their answers is lost.
 */
export class Unlinks {
  readonly #options: UnlinksOptions;
  /** Users with an unlink under way, and those that wait for its end. */
  readonly #turns = new Map<GenAuthId, (() => void)[]>();
  readonly #underWay = new Set<{ intent: UnlinkIntent; start: number }>();

  constructor(options: UnlinksOptions) {
    this.#options = options;
  }

  /**
   * Unlinks a user from an identity source: asks whether the caller may, whether it would lock the user out, writes down
   * what is about to be done, sends it once, and says only what is known to be true of it.
   *
   * @param deadline Ends it. After the request was sent, its outcome is then unknown.
   * @param onEnd Told how many calls to GenAuth it took.
   * @returns A result that is final; `success` false means that GenAuth refused and nothing was unlinked.
   * @throws {UnlinkNotExecutedError} Nothing was executed.
   * @throws {UnlinkOutcomeUnknownError} It may have been executed.
   */
  async unlink(
    request: UnlinkRequest,
    caller: Caller,
    deadline: Deadline,
    onEnd: (calls: number) => void = nothing,
  ): Promise<UnlinkResult> {
    const { management, policy, guard } = this.#options;
    const { userId } = request;
    // Before anything else: whoever may not unlink a user must not be able to come between others' unlinks either.
    if (!policy.mayUnlink(caller, userId)) throw new UnlinkNotExecutedError(new ForbiddenError());
    const turn = this.#takeTurn(userId);
    // It comes in time: those before began before this one, so that their deadlines come first.
    if (turn !== null) await turn;
    try {
      if (isGuarded(guard, caller, userId)) await guardLastIdentity(management, request, deadline);
      const { settlement, operationId } = await this.#audited(request, caller, deadline);
      onEnd(settlement.upstream.attempts + settlement.reads);
      return toResult(settlement, userId, operationId);
    } finally {
      this.#endTurn(userId);
    }
  }

  /** @returns null where it is this one's turn already. */
  #takeTurn(userId: GenAuthId): Promise<void> | null {
    const waiting = this.#turns.get(userId);
    if (waiting !== undefined) return new Promise((resolve) => waiting.push(resolve));
    this.#turns.set(userId, []);
    return null;
  }

  #endTurn(userId: GenAuthId): void {
    const next = this.#turns.get(userId)?.shift();
    if (next === undefined) this.#turns.delete(userId);
    else next();
  }

  /** No intent on record, no unlink. The outcome is recorded without anybody waiting for it: what is done is done. */
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
    this.#underWay.add(entry);
    try {
      // A disk that hangs must not make the caller wait past the deadline, nor the next unlink of this user.
      await untilAborted(audit.intent(intent), deadline);
    } catch (error) {
      if (!deadline.aborted) {
        this.#underWay.delete(entry);
        throw new UnlinkNotExecutedError(error, operationId);
      }
    }
    const settlement = deadline.aborted ? TOO_LATE : await sendAndSettle(management, request, deadline);
    const { outcome, upstream } = settlement;
    const latencyMs = Math.round(performance.now() - entry.start);
    // Its failure leaves an open intent to reconcile.
    void audit.outcome({ operationId, actor: caller, target: intent.target, outcome, upstream, latencyMs });
    this.#underWay.delete(entry);
    onOutcome(outcome);
    return { settlement, operationId };
  }

  /** Writes down that the unlinks under way are cut off: the process is about to end, and will not see what becomes of them. */
  async abandon(): Promise<void> {
    const { audit, onOutcome } = this.#options;
    const upstream = { ...NOTHING_HEARD, attempts: 1 };
    const records = [...this.#underWay].map(({ intent, start }) => {
      onOutcome('abandoned');
      const latencyMs = Math.round(performance.now() - start);
      return audit.outcome({ ...intent, outcome: 'abandoned', upstream, latencyMs });
    });
    await Promise.allSettled(records);
  }
}

const NOTHING_HEARD: UpstreamResult = { statusCode: null, apiCode: null, requestId: null, attempts: 0 };

const TOO_LATE: Settlement = {
  outcome: 'not_sent',
  upstream: NOTHING_HEARD,
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
