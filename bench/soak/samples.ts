/** The metrics of the process at one moment. */
export interface Sample {
  /** Since the load started. */
  minute: number;
  rssMB: number;
  heapMB: number;
  /** Memory outside the heap, such as buffers. */
  externalMB: number;
  /** Open sockets, files and listeners. */
  handles: number;
  /** Everything that keeps the event loop alive: handles, timers and pending system requests. */
  resources: number;
  /** The 99th percentile since the previous sample. */
  loopDelayMs: number;
  inFlight: number;
  /** User ids and calls that are queued before GenAuth. */
  waiting: number;
  cpuSeconds: number;
}

/** All metrics at one moment, by name with labels, as in Prometheus' text format. */
export type Metrics = ReadonlyMap<string, number>;

export async function scrape(adminUrl: string): Promise<Metrics> {
  const response = await fetch(`${adminUrl}/metrics`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

export function toSample(metrics: Metrics, minute: number): Sample {
  const of = (name: string): number => metrics.get(name) ?? NaN;
  return {
    minute,
    rssMB: of('process_resident_memory_bytes') / 1e6,
    heapMB: of('nodejs_heap_size_used_bytes') / 1e6,
    externalMB: of('nodejs_external_memory_bytes') / 1e6,
    handles: of('nodejs_active_handles_total'),
    resources: of('nodejs_active_resources_total'),
    loopDelayMs: of('nodejs_eventloop_lag_p99_seconds') * 1e3,
    inFlight: of('graphql_requests_in_flight'),
    waiting: of('genauth_waiting_users') + of('genauth_waiting_calls'),
    cpuSeconds: of('process_cpu_seconds_total'),
  };
}

/** Sums a metric by one of its labels. */
export function totals(metrics: Metrics, name: string, label: string): Map<string, number> {
  const sums = new Map<string, number>();
  const pattern = new RegExp(`^${name}\\{(?:.*,)?${label}="([^"]*)"`);
  for (const [key, value] of metrics) {
    const found = pattern.exec(key)?.[1];
    if (found !== undefined) sums.set(found, (sums.get(found) ?? 0) + value);
  }
  return sums;
}
