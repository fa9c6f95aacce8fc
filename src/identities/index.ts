/** The public interface of the use cases. */
export { AuditedWrites, type WriteContext } from './auditedWrites';
export { BatchedReads, type BatchedReadsOptions, type BatchReport } from './batchedReads';
export {
  LastIdentityError,
  NotAnIdentitySourceError,
  NotExecutedError,
  NotVisibleError,
  OutcomeUnknownError,
  SignInTooOldError,
} from './errors';
export {
  Identities,
  type IdentitiesOptions,
  type LinkedIdentities,
  type VisibleLink,
  type VisibleUnlink,
} from './identities';
export { Links } from './link';
export { reconcile, type Reconciliation } from './reconcile';
export type { RequestedUnlink } from './requestedWrites';
export { Sessions, type SessionsResult } from './sessions';
export type { OfferedMethods } from './signIn';
export { SignInMethods } from './signInMethods';
export { Turns } from './turns';
export { Unlinks } from './unlink';
export { type LastIdentityGuard, type UnlinkBlock, UnlinkRules, type UserUnlinks } from './unlinkRules';
export type { ListedUser } from './userLists';
export type { PoolNeeds, PoolValues } from './userPool';
export type { ReadableUser, UserRead } from './userRead';
