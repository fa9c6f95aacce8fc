/**
 * The public interface of tracing: it sends spans of requests and of calls to GenAuth to an OpenTelemetry collector.
 *
 * OpenTelemetry is used only here, and its packages are loaded only if tracing is on.
 */
export { readTracingOptions, startTracing } from './start';
export type { Tracing } from './spans';
