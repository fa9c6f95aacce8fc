import { type Contender, GUARDED_PEER, GUARDED_REFERENCE, PLAIN_APOLLO, PRODUCT } from './contenders';
import type { DocumentsMeasurement, LimitMeasurement, Measurement, OfferedMeasurement, Plan } from './measure';
import type { Spread } from './statistics';
import { table } from './table';
import type { Workload } from './workloads';

/** The file that `--save` writes. */
export interface Results {
  node: string;
  platform: string;
  pinned: boolean;
  plan: Plan;
  contenders: Record<string, string>;
  workloads: Record<string, { title: string; connections: number; measurements: Record<string, Measurement> }>;
  limit: Record<string, LimitMeasurement>;
  offered: readonly OfferedMeasurement[];
  documents: readonly DocumentsMeasurement[];
  sweep: Record<string, { title: string; cpuMsPerRequest: Record<string, Spread> }>;
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
  const head = ['', 'relative to H', 'CPU ms per request', 'req/s', 'p50 ms', 'p99 ms', 'peak MiB', 'calls/req'];
  const comparison = comparisonOf(contenders, measurements);
  return `${workload.title}, ${workload.connections} connections\n\n${table([head, ...rows])}${comparison}`;
}

/** Compares the product with the contenders that were measured. */
function comparisonOf(contenders: readonly Contender[], measurements: ReadonlyMap<string, Measurement>): string {
  const cpu = (name: string): number | undefined => measurements.get(name)?.cpuMsPerRequest.median;
  const own = cpu(PRODUCT);
  const peers = contenders.flatMap(({ name, peer }) => (peer ? [{ name, cpuMs: cpu(name) ?? NaN }] : []));
  const [best] = peers.sort((a, b) => a.cpuMs - b.cpuMs);
  if (own === undefined || best === undefined) return '';
  const to = (name: string, title: string): string => {
    const theirs = cpu(name);
    return theirs === undefined ? '' : `, ${(theirs / own).toFixed(2)} times ${title}`;
  };
  const others = to(PLAIN_APOLLO, 'plain Apollo Server');
  const alike = to(GUARDED_PEER, 'mercurius') + to(GUARDED_REFERENCE, 'H');
  const checked = alike === '' ? '' : `; with the same authentication, audit trail and log${alike}`;
  return `\nthis subgraph: ${(best.cpuMs / own).toFixed(2)} times the best peer (${best.name})${others}${checked}\n`;
}

export function limitTable(
  contenders: readonly Contender[],
  measurements: ReadonlyMap<string, LimitMeasurement>,
  callsPerSecond: number,
): string {
  const rows = contenders.flatMap(({ name, title }) => {
    const seen = measurements.get(name);
    if (seen === undefined) return [];
    const { usersPerSecond, failedPerSecond, p50Ms, p99Ms, callsPerSecond: calls, refusedCallsPerSecond } = seen;
    const whole = [usersPerSecond, failedPerSecond, p50Ms, p99Ms, calls, refusedCallsPerSecond];
    return [[title, ...whole.map((value) => (Number.isNaN(value) ? '-' : value.toFixed(0)))]];
  });
  const head = ['', 'users/s', 'failed/s', 'p50 ms', 'p99 ms', 'calls/s', 'refused calls/s'];
  return `single users, 512 connections, GenAuth accepts ${callsPerSecond} calls per second\n\n${table([head, ...rows])}`;
}

export function offeredTable(measurements: readonly OfferedMeasurement[]): string {
  const rows = measurements.map(({ offeredPerSecond, usersPerSecond, failedPerSecond, p50Ms, p99Ms }) =>
    [offeredPerSecond, usersPerSecond, failedPerSecond, p50Ms, p99Ms].map((value) => value.toFixed(0)),
  );
  const head = ['offered/s', 'users/s', 'failed/s', 'p50 ms', 'p99 ms'];
  return `the same, this subgraph, by rate of requests\n\n${table([head, ...rows])}`;
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

/** Lists the workloads where the product's ratio to H fell below half. Smaller changes may be noise of a busy machine. */
export function shortfalls(now: Results, baseline: Readonly<Record<string, number>>): string[] {
  return Object.entries(now.workloads).flatMap(([workload, { measurements }]) => {
    const ratio = measurements[PRODUCT]?.ratioToH?.median;
    const expected = baseline[workload];
    if (ratio === undefined || expected === undefined || ratio >= expected / 2) return [];
    return [`${workload}: ${ratio.toFixed(2)} times H, baseline ${expected.toFixed(2)}`];
  });
}

function withSpread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}
