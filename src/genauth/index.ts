/**
 * The door to GenAuth's management API. Nothing in here knows GraphQL, HTTP listeners or who is asking.
 *
 * Withheld on purpose: transport, envelope and signature, so that there is no way past the checks of `ManagementClient`.
 */
export type { Turn } from './admission';
export {
  type Acknowledgement,
  ManagementClient,
  type ManagementClientOptions,
  type ManagementGauges,
  MAX_BATCH,
  type ReadOptions,
  type User,
} from './client';
export {
  InvalidArgumentError,
  ManagementError,
  ManagementRefusedError,
  ManagementUnreachableError,
  type Refusal,
  type Sent,
  type Unreachability,
} from './errors';
export { type Identity, IdentityList, isIdentityField } from './identity';
export { type GenAuthId, type IdentityType, parseIdentityType } from './ids';
export type { CallReport } from './requests';
export type { Brand } from './signature';
export { createTokenBucket, type RateLimit } from './tokenBucket';
