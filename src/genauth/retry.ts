import type { Route } from './api';
import { ManagementRefusedError, ManagementUnreachableError, type Unreachability } from './errors';
import { isRead } from './wireRequest';

/** Milliseconds to pause after a 429 that does not say how long. GenAuth counts calls by the second. */
export const DEFAULT_PAUSE_MS = 500;
/** A read waits at most this long after a 429; a longer pause is reported to the caller at once. */
const MAX_PAUSE_BEFORE_RETRY_MS = 1_000;

/** Milliseconds to wait after a transient failure whose duration is not known. */
export const TRANSIENT_MS = 1_000;

/** Failures after which the same request may succeed later. */
const TRANSIENT: ReadonlySet<Unreachability> = new Set([
  'dns',
  'connection_refused',
  'connect_timeout',
  'reset',
  'closed',
  'timeout',
  'deadline',
  'http_error',
  'upstream_error',
  'overloaded',
  'paused',
  'breaker_open',
]);

/** Whether the same request may succeed later. The data of one user, or a wrong configuration, would fail it again. */
export function isTransient({ reason }: ManagementUnreachableError): boolean {
  return TRANSIENT.has(reason);
}

/** Failures worth one retry at once. Most invalid responses are not: a retry would return the same. */
const RETRYABLE: ReadonlySet<Unreachability> = new Set([
  'dns',
  'connection_refused',
  'connect_timeout',
  'reset',
  'closed',
  'timeout',
  'http_error',
  'http_rejected',
  'internal_error',
  'upstream_error',
  'not_json',
  'replayed',
]);

/** Whether a failed call may be sent again: a read after most failures, a write only if nothing of it was sent. */
export function isRetryable(route: Route, error: unknown): boolean {
  if (error instanceof ManagementUnreachableError) {
    return RETRYABLE.has(error.reason) && (isRead(route) || error.sent === 'no');
  }
  if (error instanceof ManagementRefusedError && error.refusal === 'rate_limited') {
    return isRead(route) && (error.retryAfterMs ?? DEFAULT_PAUSE_MS) <= MAX_PAUSE_BEFORE_RETRY_MS;
  }
  return false;
}
