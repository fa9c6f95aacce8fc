/**
 * The public interface of `sharing/`: a rate limit that replicas share through Valkey or Redis.
 *
 * The connection to Valkey is not exported, so that nothing else depends on it. The service works without it.
 */
export {
  createSharedRateLimit,
  type SharedRateLimit,
  type SharingChange,
  type SharingOptions,
} from './sharedRateLimit';
