import type { WriteKind, WriteOutcome } from './audit';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CallReport, ManagementGauges, UnusableColumnReport } from './genauth';
import type { RequestReport } from './graphql';

/** Values that are read when the metrics are requested. */
export interface Gauges extends ManagementGauges {
  /** User ids that have not been sent to GenAuth yet. */
  waitingUsers: number;
  auditFailing: boolean;
  /** Since the start of the process. */
  droppedLogLines: number;
  inFlight: number;
  draining: boolean;
}

/**
 * The metrics of one subgraph, for Prometheus. Every label has a closed set of values, so that requests cannot create new
 * series.
 */
export interface Metrics {
  readonly onCall: (report: CallReport) => void;
  /** @param users The number of users that one get-user-batch requested. */
  readonly onBatch: (users: number) => void;
  readonly onRequest: (report: RequestReport) => void;
  readonly onRejection: (code: string) => void;
  readonly onConnectionDropped: (reason: string) => void;
  readonly onOutcome: (kind: WriteKind, outcome: WriteOutcome['outcome']) => void;
  readonly onAuditFailure: () => void;
  readonly onUnusableColumn: (report: UnusableColumnReport) => void;
  readonly onKeysFailure: () => void;
  /** Registers the function that reads the gauges. Default: there are no gauges. */
  readonly watch: (read: () => Gauges) => void;
  /** Registers the function that reads whether replicas share their rate of calls. Default: there are no such gauges. */
  readonly watchSharing: (read: () => { shared: boolean; replicas: number }) => void;
  /** Returns the metrics in Prometheus' text format, and its content type. */
  readonly text: () => Promise<{ type: string; body: string }>;
}

const OUTCOMES: readonly WriteOutcome['outcome'][] = [
  'acked',
  'refused',
  'not_sent',
  'verified_absent',
  'verified_present',
  'unknown',
  'abandoned',
];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Node's own metrics. */
export type ProcessMetrics = Registry;

/**
 * Starts to collect Node's own metrics, such as memory and the delay of the event loop. prom-client cannot stop collecting,
 * so call it once in a process.
 */
export function collectProcessMetrics(): ProcessMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** @param processMetrics Default: the text does not contain Node's own metrics. */
export function createMetrics(version: string, processMetrics?: ProcessMetrics): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({
    name: 'graphql_request_duration_seconds',
    help: 'GraphQL requests by operation and outcome.',
    labelNames: ['operation', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const rejections = new Counter({
    name: 'http_rejections_total',
    help: 'Requests that were rejected before GraphQL, by the code in the response.',
    labelNames: ['code'],
    registers,
  });
  const droppedConnections = new Counter({
    name: 'http_connections_dropped_total',
    help: 'Connections that were closed because of a bound, by the bound.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['limit', 'unauthenticated', 'slow_reader']) droppedConnections.inc({ reason }, 0);
  const calls = new Histogram({
    name: 'genauth_call_duration_seconds',
    help: 'Calls to GenAuth, by route, attempt and result.',
    labelNames: ['route', 'attempt', 'result'],
    buckets: SECONDS,
    registers,
  });
  const batches = new Histogram({
    name: 'genauth_batch_users',
    help: 'Users that one get-user-batch requested.',
    buckets: [1, 2, 5, 10, 20, 30, 40, 50],
    registers,
  });
  const unlinks = new Counter({
    name: 'unlink_outcomes_total',
    help: 'Unlinks by the outcome that the audit trail records.',
    labelNames: ['outcome'],
    registers,
  });
  const links = new Counter({
    name: 'link_outcomes_total',
    help: 'Links by the outcome that the audit trail records.',
    labelNames: ['outcome'],
    registers,
  });
  const sessions = new Counter({
    name: 'session_outcomes_total',
    help: 'Revocations of sessions by the outcome that the audit trail records.',
    labelNames: ['outcome'],
    registers,
  });
  const writes = { unlink: unlinks, link: links, sessions };
  // Prometheus sees the first event of a kind only if the series has existed with the value 0.
  for (const counter of Object.values(writes)) for (const outcome of OUTCOMES) counter.inc({ outcome }, 0);
  const auditFailures = new Counter({
    name: 'audit_failures_total',
    help: 'Times that writing the audit trail began to fail. While it fails, no write is sent.',
    registers,
  });
  const unusableUsers = new Counter({
    name: 'genauth_unusable_users_total',
    help: 'Users whose identities cannot be used, by the column of GenAuth that is missing or invalid.',
    labelNames: ['column'],
    registers,
  });
  for (const column of ['identities', 'identityId']) unusableUsers.inc({ column }, 0);
  const keysFailures = new Counter({
    name: 'token_keys_failures_total',
    help: 'Failed fetches of the keys of the token issuer.',
    registers,
  });
  new Gauge({
    name: 'build_info',
    help: 'Version of the service and of Node.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  return {
    onCall: ({ route, attempt, result, ms }) => calls.observe({ route, attempt, result }, ms / 1000),
    onBatch: (users) => batches.observe(users),
    onRequest: ({ operation, outcome, ms }) => requests.observe({ operation, outcome }, ms / 1000),
    onRejection: (code) => rejections.inc({ code }),
    onConnectionDropped: (reason) => droppedConnections.inc({ reason }),
    onOutcome: (kind, outcome) => writes[kind].inc({ outcome }),
    onAuditFailure: () => auditFailures.inc(),
    onUnusableColumn: ({ column, users }) => unusableUsers.inc({ column }, users),
    onKeysFailure: () => keysFailures.inc(),
    watch: (read) => watchGauges(registry, read),
    watchSharing: (read) => watchSharing(registry, read),
    text: async () => ({
      type: registry.contentType,
      body: await Registry.merge([...(processMetrics === undefined ? [] : [processMetrics]), registry]).metrics(),
    }),
  };
}

function watchGauges(registry: Registry, read: () => Gauges): void {
  const gauge = (name: string, help: string, value: (gauges: Gauges) => number): void =>
    addGauge(registry, name, help, () => value(read()));
  watchBreakers(registry, read);
  gauge(
    'genauth_waiting_calls',
    'Calls that wait for the rate or the concurrency limit.',
    ({ waitingCalls }) => waitingCalls,
  );
  gauge(
    'genauth_waiting_users',
    'User ids that have not been sent to GenAuth yet.',
    ({ waitingUsers }) => waitingUsers,
  );
  gauge('genauth_retries_left', 'Retries that the budget allows.', ({ retriesLeft }) => retriesLeft);
  gauge(
    'genauth_clock_offset_seconds',
    'Seconds by which the clock of GenAuth is ahead of ours.',
    (g) => g.clockOffsetMs / 1000,
  );
  gauge('audit_failing', '1 while the audit trail cannot be written and no unlink is sent.', (g) =>
    Number(g.auditFailing),
  );
  registry.registerMetric(
    new Counter({
      name: 'log_lines_dropped_total',
      help: 'Log lines that were dropped because stdout was blocked.',
      registers: [],
      collect() {
        this.reset();
        this.inc(read().droppedLogLines);
      },
    }),
  );
  gauge('graphql_requests_in_flight', 'GraphQL requests in progress.', ({ inFlight }) => inFlight);
  gauge('draining', '1 from the signal to stop until the process ends.', ({ draining }) => Number(draining));
}

function watchBreakers(registry: Registry, read: () => Gauges): void {
  const values = { closed: 0, half_open: 1, open: 2 };
  registry.registerMetric(
    new Gauge({
      name: 'genauth_breaker_state',
      help: 'State of the circuit breaker of a lane: 0 closed, 1 half-open, 2 open (nothing of it is sent to GenAuth).',
      labelNames: ['lane'],
      registers: [],
      collect() {
        for (const [lane, state] of Object.entries(read().breakers)) this.set({ lane }, values[state]);
      },
    }),
  );
}

function watchSharing(registry: Registry, read: () => { shared: boolean; replicas: number }): void {
  addGauge(
    registry,
    'genauth_rate_limit_shared',
    '1 while the rate of calls is shared through Valkey, 0 while this replica uses a fixed share of its own.',
    () => Number(read().shared),
  );
  addGauge(
    registry,
    'genauth_replicas',
    'Replicas that share the rate of calls, as last known; 0 if that was never known.',
    () => read().replicas,
  );
}

function addGauge(registry: Registry, name: string, help: string, value: () => number): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(value());
      },
    }),
  );
}
