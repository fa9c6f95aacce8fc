/**
 * The door to tracing: which requests were served, and which calls to GenAuth that took, for a collector of OpenTelemetry's.
 *
 * Withheld on purpose: OpenTelemetry. No other room imports it, and what it needs is loaded only where tracing is on.
 */
export { readTracingOptions, startTracing } from './start';
export type { Tracing } from './spans';
