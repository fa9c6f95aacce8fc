/**
 * The public interface of the audit trail. It promises that a record is durable, and reads trails for intents without an
 * outcome. How lines are formatted and written stays internal.
 */
export { AuditUnavailableError } from './errors';
export {
  createOperationId,
  type RemovedIdentity,
  type UpstreamResult,
  type WriteIntent,
  type WriteKind,
  type WriteOutcome,
  type WriteTarget,
} from './records';
export { type AuditReport, readAudit, type RecordedIntent, type UnsettledWrite } from './report';
export { type AuditLog, createAuditLog } from './trail';
