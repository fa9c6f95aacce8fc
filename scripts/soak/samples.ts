/** What a process says of itself at one moment. */
export interface Sample {
  /** Since the load began. */
  minute: number;
  rssMB: number;
  heapMB: number;
  /** Memory of buffers, outside the heap. */
  externalMB: number;
  /** Open sockets, files and listeners. */
  handles: number;
  /** Everything that keeps the event loop going: handles, timers, and requests to the system. */
  resources: number;
  /** Of the time between two samples, the 99th percentile. */
  loopDelayMs: number;
  inFlight: number;
  /** User ids and calls that wait for GenAuth. */
  waiting: number;
  cpuSeconds: number;
}

/** The metrics of one moment, by name and labels as they are written. */
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

/** Adds up a metric by one of its labels. */
export function totals(metrics: Metrics, name: string, label: string): Map<string, number> {
  const sums = new Map<string, number>();
  const pattern = new RegExp(`^${name}\\{(?:.*,)?${label}="([^"]*)"`);
  for (const [key, value] of metrics) {
    const found = pattern.exec(key)?.[1];
    if (found !== undefined) sums.set(found, (sums.get(found) ?? 0) + value);
  }
  return sums;
}

/** The straight line that fits best, by least squares. */
export function fit(points: readonly (readonly [x: number, y: number])[]): {
  slope: number;
  at: (x: number) => number;
} {
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = covariance / variance;
  return { slope, at: (x) => meanY + slope * (x - meanX) };
}
