/** The door to the use cases. */
export { Directory, type UserIdentities } from './directory';
export { UnlinkNotExecutedError, UnlinkOutcomeUnknownError } from './errors';
export { Identities, type IdentitiesOptions } from './identities';
export { type UnlinkResult, Unlinks } from './unlink';
