import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How a call to GenAuth ended. Of a closed set each, so that nothing a stranger sends becomes a label. */
export interface CallReport {
  /** As in `POST /api/v3/unlink-identity`. */
  route: string;
  /** 1 or 2. */
  attempt: number;
  /** `ok`, or the reason of the error. */
  result: string;
  /** From being allowed to go out to the end of the answer. */
  ms: number;
}

export interface RequestReport {
  operation: 'entities' | 'unlink' | 'service' | 'other';
  /** `ok`; `partial`: data beside errors; `error`: errors alone; `refused`: not executed. */
  outcome: 'ok' | 'partial' | 'error' | 'refused';
  ms: number;
}

/** What is read at the moment when somebody asks for the metrics. */
export interface Gauges {
  breaker: 'closed' | 'open' | 'half_open';
  /** Calls that wait for their turn. */
  waitingCalls: number;
  /** User ids that wait to be asked for. */
  waitingUsers: number;
  retriesLeft: number;
  clockOffsetMs: number;
  auditFailing: boolean;
  inFlight: number;
  draining: boolean;
}

/** Counts what happens in this process, for Prometheus. */
export interface Metrics {
  readonly onCall: (report: CallReport) => void;
  /** @param users How many users one get-user-batch asked for. */
  readonly onBatch: (users: number) => void;
  readonly onRequest: (report: RequestReport) => void;
  readonly onRejection: (code: string) => void;
  readonly onUnlink: (outcome: string) => void;
  readonly onAuditFailure: () => void;
  readonly onKeysFailure: () => void;
  /** Where the gauges are read from. Default: they are not shown. */
  readonly watch: (read: () => Gauges) => void;
  /** Where it is read whether replicas share their rate of calls. Default: it is not shown. */
  readonly watchSharing: (read: () => { shared: boolean; replicas: number }) => void;
  /** The text that Prometheus scrapes, and its content type. */
  readonly text: () => Promise<{ type: string; body: string }>;
}

const OUTCOMES = ['acked', 'refused', 'not_sent', 'verified_absent', 'unknown', 'abandoned'];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const ofProcess = metricsOfProcess();
  const requests = new Histogram({
    name: 'graphql_request_duration_seconds',
    help: 'GraphQL requests that were answered, by what they asked for and how that went.',
    labelNames: ['operation', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const rejections = new Counter({
    name: 'http_rejections_total',
    help: 'Requests that were refused before GraphQL saw them, by the code they were told.',
    labelNames: ['code'],
    registers,
  });
  const calls = new Histogram({
    name: 'genauth_call_duration_seconds',
    help: 'Calls to GenAuth, by route, attempt and result.',
    labelNames: ['route', 'attempt', 'result'],
    buckets: SECONDS,
    registers,
  });
  const batches = new Histogram({
    name: 'genauth_batch_users',
    help: 'Users that one get-user-batch asked for.',
    buckets: [1, 2, 5, 10, 20, 30, 40, 50],
    registers,
  });
  const unlinks = new Counter({
    name: 'unlink_outcomes_total',
    help: 'Unlinks by outcome, as the audit trail has them.',
    labelNames: ['outcome'],
    registers,
  });
  // From 0 on, so that the first of its kind is seen as one more.
  for (const outcome of OUTCOMES) unlinks.inc({ outcome }, 0);
  const auditFailures = new Counter({
    name: 'audit_failures_total',
    help: 'Times that the audit trail began to fail. While it fails, no unlink is sent.',
    registers,
  });
  const keysFailures = new Counter({
    name: 'token_keys_failures_total',
    help: 'Fetches of the token issuer’s keys that failed.',
    registers,
  });
  new Gauge({ name: 'build_info', help: 'What is running.', labelNames: ['version', 'node'], registers }).set(
    { version, node: process.version },
    1,
  );
  return {
    onCall: ({ route, attempt, result, ms }) => calls.observe({ route, attempt, result }, ms / 1000),
    onBatch: (users) => batches.observe(users),
    onRequest: ({ operation, outcome, ms }) => requests.observe({ operation, outcome }, ms / 1000),
    onRejection: (code) => rejections.inc({ code }),
    onUnlink: (outcome) => unlinks.inc({ outcome }),
    onAuditFailure: () => auditFailures.inc(),
    onKeysFailure: () => keysFailures.inc(),
    watch: (read) => watchGauges(registry, read),
    watchSharing: (read) => watchSharing(registry, read),
    text: async () => ({
      type: registry.contentType,
      body: await Registry.merge([ofProcess, registry]).metrics(),
    }),
  };
}

let processRegistry: Registry | undefined;

/** Node's own, which are of the process and not of a subgraph in it: what collects them runs once, and to the end. */
function metricsOfProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

function watchGauges(registry: Registry, read: () => Gauges): void {
  const gauge = (name: string, help: string, value: (gauges: Gauges) => number): void =>
    addGauge(registry, name, help, () => value(read()));
  const state = { closed: 0, half_open: 1, open: 2 };
  gauge(
    'genauth_breaker_state',
    '0 closed, 1 half open, 2 open: GenAuth is not asked.',
    ({ breaker }) => state[breaker],
  );
  gauge('genauth_waiting_calls', 'Calls that wait for their turn.', ({ waitingCalls }) => waitingCalls);
  gauge('genauth_waiting_users', 'User ids that wait to be asked for.', ({ waitingUsers }) => waitingUsers);
  gauge('genauth_retries_left', 'Second attempts that the budget allows.', ({ retriesLeft }) => retriesLeft);
  gauge('genauth_clock_offset_seconds', 'By how much GenAuth’s clock is ahead of ours.', (g) => g.clockOffsetMs / 1000);
  gauge('audit_failing', '1 while the audit trail cannot be written, and no unlink is sent.', (g) =>
    Number(g.auditFailing),
  );
  gauge('graphql_requests_in_flight', 'GraphQL requests that are being served.', ({ inFlight }) => inFlight);
  gauge('draining', '1 from the signal to stop until the end.', ({ draining }) => Number(draining));
}

function watchSharing(registry: Registry, read: () => { shared: boolean; replicas: number }): void {
  addGauge(
    registry,
    'genauth_rate_limit_shared',
    '1 while the rate of calls is shared through Valkey, 0 while this replica goes on with a share of its own.',
    () => Number(read().shared),
  );
  addGauge(
    registry,
    'genauth_replicas',
    'Replicas that share the rate of calls, as last known; 0 where that was never known.',
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
