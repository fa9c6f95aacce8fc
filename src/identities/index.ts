/** The public interface of the use cases. */
export type { UserIdentities } from './batch';
export { BatchedReads, type BatchReport } from './batchedReads';
export { LastIdentityError, UnlinkNotExecutedError, UnlinkOutcomeUnknownError } from './errors';
export { Identities, type IdentitiesOptions, type RequestedUnlink, type UserRead } from './identities';
export type { LastIdentityGuard } from './lastIdentity';
export { matchesUnlink } from './matchesUnlink';
export { type UnlinkResult, Unlinks } from './unlink';
