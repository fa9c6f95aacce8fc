/**
 * The door to what replicas share. Knows of GenAuth's room what a rate limit is, and nothing else.
 *
 * Withheld on purpose: the connection to Valkey, so that nothing else comes to depend on it being there.
 */
export {
  createSharedRateLimit,
  type SharedRateLimit,
  type SharingChange,
  type SharingOptions,
} from './sharedRateLimit';
