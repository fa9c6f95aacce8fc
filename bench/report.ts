import { type Contender, GUARDED_PEER, GUARDED_REFERENCE, PLAIN_APOLLO, PRODUCT, referenceOf } from './contenders';
import type { GatewayMeasurement } from './gateway';
import type { LimitMeasurement, OfferedMeasurement } from './limits';
import type { Measurement, Plan } from './measure';
import type { DocumentsMeasurement, StartMeasurement } from './memory';
import type { Spread } from './statistics';
import { table } from './table';
import { UNALIASED, type Workload } from './workloads';

/** The file that `--save` writes. */
export interface Results {
  node: string;
  platform: string;
  pinned: boolean;
  plan: Plan;
  contenders: Record<string, string>;
  workloads: Record<string, WorkloadResults>;
  limit: Record<string, LimitMeasurement>;
  bulk: Record<string, LimitMeasurement>;
  offered: readonly OfferedMeasurement[];
  /** By workload, then by contender. */
  gateway: Record<string, { title: string; measurements: Record<string, GatewayMeasurement> }>;
  documents: readonly DocumentsMeasurement[];
  start: StartMeasurement | null;
  sweep: Record<string, { title: string; cpuMsPerRequest: Record<string, Spread> }>;
}

export interface WorkloadResults {
  title: string;
  connections: number;
  /** The contender that the ratios compare with. */
  reference: string;
  measurements: Record<string, Measurement>;
}

export function workloadTable(
  workload: Workload,
  contenders: readonly Contender[],
  measurements: ReadonlyMap<string, Measurement>,
): string {
  const rows = contenders.flatMap(({ name, title }) => {
    const seen = measurements.get(name);
    if (seen === undefined) return [];
    const { cpuMsPerRequest, ratioToH, requestsPerSecond, p50Ms, p99Ms, peakMiB, callsPerRequest } = seen;
    return [
      [
        title,
        ratioToH === null ? '-' : withSpread(ratioToH, 2),
        withSpread(cpuMsPerRequest, 3),
        requestsPerSecond.median.toFixed(0),
        p50Ms.median.toFixed(1),
        p99Ms.median.toFixed(1),
        peakMiB.toFixed(0),
        callsPerRequest.toFixed(2),
      ],
    ];
  });
  const relative = `relative to ${referenceOf(workload)}`;
  const head = ['', relative, 'CPU ms per request', 'req/s', 'p50 ms', 'p99 ms', 'peak MiB', 'calls/req'];
  const comparison = comparisonOf(contenders, measurements);
  return `${workload.title}, ${workload.connections} connections\n\n${table([head, ...rows])}${comparison}`;
}

/** Compares the product with the contenders that were measured. */
function comparisonOf(contenders: readonly Contender[], measurements: ReadonlyMap<string, Measurement>): string {
  const cpu = (name: string): number | undefined => measurements.get(name)?.cpuMsPerRequest.median;
  const own = cpu(PRODUCT);
  const peers = contenders.flatMap(({ name, peer }) => (peer ? [{ name, cpuMs: cpu(name) ?? NaN }] : []));
  const [best] = peers.filter(({ cpuMs }) => cpuMs > 0).sort((a, b) => a.cpuMs - b.cpuMs);
  if (own === undefined) return '';
  const to = (name: string, title: string): string => {
    const theirs = cpu(name);
    return theirs === undefined ? '' : `, ${(theirs / own).toFixed(2)} times ${title}`;
  };
  const others = to(PLAIN_APOLLO, 'plain Apollo Server');
  const alike = to(GUARDED_PEER, 'mercurius') + to(GUARDED_REFERENCE, 'H');
  const checked = alike === '' ? '' : `; with the same checks, reads, audit trail and log${alike}`;
  const peer =
    best === undefined ? '' : ` ${(best.cpuMs / own).toFixed(2)} times the best peer (${best.name})${others}`;
  return `\nthis subgraph:${peer}${checked}\n`;
}

/** Compares aliased lists with one list of the same users. */
export function aliasesLine(workloads: Results['workloads']): string {
  const cpu = (name: string): number | undefined => workloads[name]?.measurements[PRODUCT]?.cpuMsPerRequest.median;
  const parts = Object.entries(UNALIASED).flatMap(([name, whole]) => {
    const [own, one] = [cpu(name), cpu(whole)];
    return own === undefined || one === undefined
      ? []
      : [`${workloads[name]?.title} cost ${(own / one).toFixed(2)} times one list of 80`];
  });
  return parts.length === 0 ? '' : `this subgraph: ${parts.join('; ')}\n`;
}

/** @param served The name of what is served, in the plural. */
export function limitTable(
  contenders: readonly Contender[],
  measurements: ReadonlyMap<string, LimitMeasurement>,
  { load, served, callsPerSecond }: { load: string; served: string; callsPerSecond: number },
): string {
  const rows = contenders.flatMap(({ name, title }) => {
    const seen = measurements.get(name);
    if (seen === undefined) return [];
    const { servedPerSecond, failedPerSecond, p50Ms, p99Ms, callsPerSecond: calls, refusedCallsPerSecond } = seen;
    const whole = [servedPerSecond, failedPerSecond, p50Ms, p99Ms, calls, refusedCallsPerSecond];
    return [[title, ...whole.map((value) => (Number.isNaN(value) ? '-' : value.toFixed(0)))]];
  });
  const head = ['', `${served}/s`, 'failed/s', 'p50 ms', 'p99 ms', 'calls/s', 'refused calls/s'];
  return `${load}, GenAuth accepts ${callsPerSecond} calls per second\n\n${table([head, ...rows])}`;
}

export function offeredTable(measurements: readonly OfferedMeasurement[]): string {
  const rows = measurements.map(({ offeredPerSecond, usersPerSecond, failedPerSecond, p50Ms, p99Ms }) =>
    [offeredPerSecond, usersPerSecond, failedPerSecond, p50Ms, p99Ms].map((value) => value.toFixed(0)),
  );
  const head = ['offered/s', 'users/s', 'failed/s', 'p50 ms', 'p99 ms'];
  return `the same, this subgraph, by rate of requests\n\n${table([head, ...rows])}`;
}

export function gatewayTable(gateway: Results['gateway'], contenders: Results['contenders']): string {
  const rows = Object.values(gateway).flatMap(({ title, measurements }) =>
    Object.entries(measurements).map(([name, { p50Ms, p99Ms, requestsPerSecond }]) => [
      `${title}: ${contenders[name] ?? name}`,
      p50Ms.toFixed(1),
      p99Ms.toFixed(1),
      requestsPerSecond.toFixed(0),
    ]),
  );
  return `behind @apollo/gateway\n\n${table([['', 'p50 ms', 'p99 ms', 'req/s'], ...rows])}`;
}

export function startLine({ readyMs, idleMiB }: StartMeasurement): string {
  return `this subgraph: ready after ${withSpread(readyMs, 0)} ms, idle with ${withSpread(idleMiB, 0)} MiB\n`;
}

export function documentsTable(measurements: readonly DocumentsMeasurement[]): string {
  const rows = measurements.map(({ documents, residentMiB }) => [String(documents), residentMiB.toFixed(0)]);
  return `documents that are sent once, this subgraph\n\n${table([['documents', 'resident MiB'], ...rows])}`;
}

export function sweepTable(sweep: Results['sweep']): string {
  const names = [...new Set(Object.values(sweep).flatMap(({ cpuMsPerRequest }) => Object.keys(cpuMsPerRequest)))];
  const rows = Object.values(sweep).map(({ title, cpuMsPerRequest }) =>
    [title].concat(
      names.map((name) => {
        const seen = cpuMsPerRequest[name];
        return seen === undefined ? '-' : withSpread(seen, 3);
      }),
    ),
  );
  return `growth: CPU ms per request, users x identities, 8 connections\n\n${table([['', ...names], ...rows])}`;
}

/** Returns the product's ratio to the reference of each workload. @param pick Default: the median of the rounds. */
export function ratios(
  { workloads }: Results,
  pick: (ratio: Spread) => number = ({ median }) => median,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(workloads).flatMap(([name, { measurements }]) => {
      const ratio = measurements[PRODUCT]?.ratioToH ?? null;
      return ratio === null ? [] : [[name, pick(ratio)]];
    }),
  );
}

/**
 * Lists the workloads where the product's ratio to H fell below half in every round. In the first rounds of a short run, V8 has
 * not optimized everything. Smaller changes may be noise of a busy machine.
 */
export function shortfalls(now: Results, baseline: Readonly<Record<string, number>>): string[] {
  return Object.entries(ratios(now, ({ max }) => max)).flatMap(([workload, ratio]) => {
    const expected = baseline[workload];
    if (expected === undefined || ratio >= expected / 2) return [];
    return [`${workload}: at most ${ratio.toFixed(2)}, baseline ${expected.toFixed(2)}`];
  });
}

export function withSpread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}
