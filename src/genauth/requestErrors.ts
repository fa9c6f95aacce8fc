import { BrokenCircuitError } from 'cockatiel';
import { AdmissionError } from './admission';
import type { Route } from './api';
import { ManagementUnreachableError } from './errors';
import { TransportError } from './transport';

/** Turns an error of a lower layer into one that says whether the request was sent. Returns any other error unchanged. */
export function toManagementError(route: Route, cause: unknown): unknown {
  if (cause instanceof TransportError) {
    return new ManagementUnreachableError(route, cause.reason, cause.sent, { cause });
  }
  if (cause instanceof AdmissionError) {
    const { reason, retryAfterMs } = cause;
    return new ManagementUnreachableError(route, reason, 'no', { cause, retryAfterMs });
  }
  if (cause instanceof BrokenCircuitError) return new ManagementUnreachableError(route, 'breaker_open', 'no');
  return cause;
}
