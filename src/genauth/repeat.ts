import type { Route } from './api';
import { ManagementRefusedError, ManagementUnreachableError, type Unreachability } from './errors';
import { split } from './wireRequest';

/** After a 429 that does not say how long. GenAuth counts by the second. */
export const DEFAULT_PAUSE_MS = 500;
/** A read waits this long for GenAuth to have room again; what takes longer is reported at once. */
const MAX_PAUSE_BEFORE_REPEAT_MS = 1_000;

/** What may be gone a moment later. What is wrong with an answer that came whole would be wrong again. */
const PASSING: ReadonlySet<Unreachability> = new Set([
  'dns',
  'connection_refused',
  'connect_timeout',
  'reset',
  'closed',
  'timeout',
  'http_error',
  'upstream_error',
  'not_json',
  'replayed',
]);

/** Reads do nothing, so that they may be sent again; a write only if nothing of it can have arrived. */
export function isRepeatable(route: Route, error: unknown): boolean {
  const [method] = split(route);
  if (error instanceof ManagementUnreachableError) {
    return PASSING.has(error.reason) && (method === 'GET' || error.sent === 'no');
  }
  if (error instanceof ManagementRefusedError && error.refusal === 'rate_limited') {
    return method === 'GET' && (error.retryAfterMs ?? DEFAULT_PAUSE_MS) <= MAX_PAUSE_BEFORE_REPEAT_MS;
  }
  return false;
}
