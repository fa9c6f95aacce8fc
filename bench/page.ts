import { GUARDED_PEER, GUARDED_REFERENCE, PLAIN_APOLLO, PRODUCT, REFERENCE } from './contenders';
import type { Measurement } from './measure';
import { aliasesLine, gatewayTable, type Results, startLine, type WorkloadResults } from './report';
import type { Spread } from './statistics';
import { table } from './table';

/**
 * Replaces the tables in docs/performance.md with those of the saved results. Each is between two comments with its name.
 *
 * @param beside The results of another version of Node. Null: there are none.
 */
export function fillTables(page: string, results: Results, beside: Results | null): string {
  const tables: Readonly<Record<string, string>> = {
    conditions: conditions(results),
    workloads: `${workloads(results)}\n${aliasesLine(results.workloads)}`,
    limit: limited(results, results.limit, 'users'),
    bulk: limited(results, results.bulk, 'verified unlinks'),
    gateway: Object.keys(results.gateway).length === 0 ? '' : gatewayTable(results.gateway, results.contenders),
    memory: memory(results),
    node: beside === null ? '' : nodes(results, beside),
  };
  return page.replace(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_whole, begin: string, name: string, end: string) => `${begin}\n\n${tables[name] ?? ''}\n\n${end}`,
  );
}

function conditions({ node, platform, plan }: Results): string {
  return `Node ${node} on ${platform}, ${plan.rounds} rounds of ${plan.seconds} seconds.`;
}

function workloads({ workloads: all }: Results): string {
  const rows = Object.values(all).flatMap((workload) => {
    const own = workload.measurements[PRODUCT];
    return own === undefined ? [] : [workloadRow(workload, own)];
  });
  const head = [
    ...['workload', 'CPU ms', 'of H', 'times the best peer', 'times plain Apollo Server'],
    ...['times mercurius, same checks', 'of H, same checks', 'p99 ms: this, best peer', 'peak MiB'],
  ];
  return table([head, ...rows]);
}

function workloadRow({ title, reference, measurements }: WorkloadResults, own: Measurement): string[] {
  const peers = Object.entries(measurements).filter(([name]) => isPeer(name));
  const best = peers.sort(([, a], [, b]) => a.cpuMsPerRequest.median - b.cpuMsPerRequest.median)[0];
  const times = (name: string): string => {
    const theirs = measurements[name];
    return theirs === undefined ? '-' : toFixed(theirs.cpuMsPerRequest.median / own.cpuMsPerRequest.median);
  };
  const ratio = own.ratioToH === null ? '-' : range(own.ratioToH);
  const p99 = own.p99Ms.median.toFixed(1);
  return [
    title,
    own.cpuMsPerRequest.median.toPrecision(3),
    reference === REFERENCE ? ratio : '-',
    best === undefined ? '-' : `${times(best[0])} (${best[0]})`,
    times(PLAIN_APOLLO),
    times(GUARDED_PEER),
    reference === GUARDED_REFERENCE ? ratio : times(GUARDED_REFERENCE),
    best === undefined ? p99 : `${p99}, ${best[1].p99Ms.median.toFixed(1)}`,
    own.peakMiB.toFixed(0),
  ];
}

/** By name, because saved results do not say which contenders are peers. */
function isPeer(name: string): boolean {
  return ![PRODUCT, 'this-none', REFERENCE, GUARDED_PEER, GUARDED_REFERENCE].includes(name);
}

function limited({ contenders }: Results, measurements: Results['limit'], served: string): string {
  const rows = Object.entries(measurements).map(([name, seen]) =>
    [contenders[name] ?? name].concat(
      [seen.servedPerSecond, seen.failedPerSecond, seen.p50Ms, seen.p99Ms, seen.callsPerSecond].map((value) =>
        Number.isFinite(value) ? value.toFixed(0) : '-',
      ),
    ),
  );
  if (rows.length === 0) return '';
  return table([['contender', `${served}/s`, 'failed/s', 'p50 ms', 'p99 ms', 'calls/s'], ...rows]);
}

function memory({ start, documents }: Results): string {
  const resident = documents.map(({ residentMiB }) => residentMiB);
  const lines = [
    start === null ? '' : startLine(start),
    resident.length === 0
      ? ''
      : `this subgraph: ${Math.min(...resident).toFixed(0)} to ${Math.max(...resident).toFixed(0)} MiB over ${documents.at(-1)?.documents} documents that were sent once each`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function nodes(results: Results, beside: Results): string {
  const rows = Object.entries(results.workloads).flatMap(([name, { title, measurements }]) => {
    const [one, other] = [measurements[PRODUCT], beside.workloads[name]?.measurements[PRODUCT]];
    if (one === undefined || other === undefined) return [];
    return [
      [
        title,
        ...[one, other].map(({ cpuMsPerRequest }) => cpuMsPerRequest.median.toPrecision(3)),
        ...[one, other].map(({ ratioToH }) => (ratioToH === null ? '-' : toFixed(ratioToH.median))),
        ...[one, other].map(({ peakMiB }) => peakMiB.toFixed(0)),
      ],
    ];
  });
  const versions = [results.node, beside.node].map((version) => `Node ${version.split('.')[0]}`);
  const head = [
    'workload',
    ...['CPU ms', 'of H', 'peak MiB'].flatMap((what) => versions.map((node) => `${what}, ${node}`)),
  ];
  return table([head, ...rows]);
}

function range({ median, min, max }: Spread): string {
  return `${toFixed(median)} (${toFixed(min)}-${toFixed(max)})`;
}

function toFixed(value: number): string {
  return value.toFixed(2);
}
