/**
 * GenAuth's management API. This module knows neither GraphQL, nor HTTP listeners, nor callers.
 *
 * Transport, envelope and signature are not exported, so that every request passes the checks of `ManagementClient`.
 */
export type { Acknowledgement } from './acknowledgement';
export type { Turn } from './admission';
export { BATCH_ROUTE } from './api';
export { MAX_BATCH, type ReadOptions } from './callOptions';
export { ManagementClient, type ManagementClientOptions, type ManagementGauges } from './client';
export {
  InvalidArgumentError,
  isContentFault,
  ManagementError,
  ManagementRefusedError,
  ManagementUnreachableError,
  type Refusal,
  type Sent,
  type Unreachability,
} from './errors';
export { DEFAULT_TYPE } from './columns';
export type { ApplicationSignIn, IdentitySource } from './sources';
export type { Account } from './oddRows';
export { type SignInColumns, type SignInUser, type UnusableColumnReport, UserRecord } from './userRecord';
export {
  type ComputedField,
  type Identity,
  IdentityList,
  isIdentityField,
  type RowTemplate,
  type UnusableColumn,
} from './identity';
export { labelOf } from './label';
export {
  type AccountId,
  type GenAuthId,
  type IdentityType,
  type IdParser,
  parseAccountId,
  parseIdentityType,
} from './ids';
export { type SourceAccount, toAccountName } from './owners';
export type { CallReport } from './requests';
export type { Brand } from './signature';
export { createTokenBucket, type RateLimit } from './tokenBucket';
