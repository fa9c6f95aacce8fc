import {
  type AuditLog,
  createOperationId,
  type UpstreamResult,
  type WriteIntent,
  type WriteKind,
  type WriteOutcome,
  type WriteTarget,
} from '../audit';
import type { Caller } from '../callers';
import { type Deadline, untilAborted } from '../deadline';
import { NotExecutedError, OutcomeUnknownError } from './errors';
import { NO_RESPONSE } from './send';

/** The request of a client that a write serves. */
export interface WriteContext {
  caller: Caller;
  /** The router's `x-request-id`; null if it is not known. */
  requestId: string | null;
  /** Default: null. Why the caller requests the write. */
  auditReason?: string | null;
  /** Ends the write. After a request was sent, its outcome may be unknown then. */
  deadline: Deadline;
  /** Default: true. Whether the client selects `userInfoInIdp`. */
  profiles?: boolean;
}

/** The result of a write, as it is recorded. */
export interface Execution {
  outcome: WriteOutcome['outcome'];
  upstream: UpstreamResult;
  removed: WriteOutcome['removed'];
}

export interface AuditedWritesOptions {
  audit: AuditLog;
  /** Called with every outcome that is recorded. */
  onOutcome: (kind: WriteKind, outcome: WriteOutcome['outcome']) => void;
}

/** Records the intent of every write before the write is executed, and its outcome afterwards. */
export class AuditedWrites {
  readonly #options: AuditedWritesOptions;
  readonly #inProgress = new Set<{ intent: WriteIntent; startedAt: number }>();

  constructor(options: AuditedWritesOptions) {
    this.#options = options;
  }

  /**
   * Executes a write, once its intent is durable.
   *
   * The caller does not wait for the record of the outcome. If that record fails, the intent stays open and has to be
   * reconciled.
   *
   * @param execute Sends the write. The operation id identifies the records.
   * @throws {NotExecutedError} The intent could not be recorded, or not before the deadline.
   * @throws {OutcomeUnknownError} `execute` failed, so that the write may have been sent.
   */
  async run<Result extends Execution>(
    kind: WriteKind,
    target: WriteTarget,
    { caller, requestId, auditReason = null, deadline }: WriteContext,
    execute: (operationId: string) => Promise<Result>,
  ): Promise<{ execution: Result; operationId: string }> {
    const { audit } = this.#options;
    const operationId = createOperationId();
    const intent: WriteIntent = { kind, operationId, requestId, actor: caller, target, reason: auditReason };
    const entry = { intent, startedAt: performance.now() };
    this.#inProgress.add(entry);
    try {
      // A disk that hangs must not delay the caller beyond the deadline, nor the next write of this user.
      await untilAborted(audit.intent(intent), deadline);
    } catch (error) {
      this.#inProgress.delete(entry);
      // The record may still become durable, so that it needs an outcome.
      if (deadline.aborted) void this.#record(entry, { outcome: 'not_sent', upstream: NO_RESPONSE, removed: null });
      throw new NotExecutedError(error, operationId);
    }
    try {
      const execution = await execute(operationId);
      void this.#record(entry, execution);
      return { execution, operationId };
    } catch (error) {
      void this.#record(entry, { outcome: 'unknown', upstream: { ...NO_RESPONSE, attempts: 1 }, removed: null });
      throw new OutcomeUnknownError(kind, error, operationId);
    } finally {
      this.#inProgress.delete(entry);
    }
  }

  /** Records every write in progress as abandoned. The process ends, and their outcome will not be known. */
  async abandon(): Promise<void> {
    const upstream = { ...NO_RESPONSE, attempts: 1 };
    const records = [...this.#inProgress].map((entry) =>
      this.#record(entry, { outcome: 'abandoned', upstream, removed: null }),
    );
    await Promise.allSettled(records);
  }

  #record(
    { intent, startedAt }: { intent: WriteIntent; startedAt: number },
    { outcome, upstream, removed }: Execution,
  ): Promise<void> {
    const { audit, onOutcome } = this.#options;
    onOutcome(intent.kind, outcome);
    const latencyMs = Math.round(performance.now() - startedAt);
    return audit.outcome({ ...intent, outcome, upstream, removed, latencyMs });
  }
}
