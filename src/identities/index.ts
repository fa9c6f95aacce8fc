/** The door to the use cases. */
export { type AuditLog, AuditUnavailableError, createAuditLog } from './audit';
export { type AuditReport, readAudit, type RecordedIntent } from './auditReport';
export type { UserIdentities } from './batch';
export { BatchedReads, type BatchReport } from './batchedReads';
export { LastIdentityError, UnlinkNotExecutedError, UnlinkOutcomeUnknownError } from './errors';
export { Identities, type IdentitiesOptions, type RequestedUnlink, type UserRead } from './identities';
export type { LastIdentityGuard } from './lastIdentity';
export { isMeant } from './settle';
export { type UnlinkResult, Unlinks } from './unlink';
