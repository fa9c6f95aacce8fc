import type { Bench, Run } from './bench';
import { type Contender, participants, referenceOf, UNLIMITED } from './contenders';
import { type Spread, spreadOf } from './statistics';
import type { Workload } from './workloads';

export interface Plan {
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
}

/** The results of one contender under one workload. */
export interface Measurement {
  cpuMsPerRequest: Spread;
  /** Requests per CPU second, as a multiple of the reference's in the same round. Null without the reference. */
  ratioToH: Spread | null;
  requestsPerSecond: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  peakMiB: number;
  callsPerRequest: number;
}

/**
 * Measures contenders under a workload, in alternating rounds.
 *
 * @returns By name of the contender.
 */
export async function measure(
  bench: Bench,
  workload: Workload,
  contenders: readonly Contender[],
  { rounds, seconds, warmUpSeconds }: Plan,
): Promise<Map<string, Measurement>> {
  const started = await bench.startAll(workload, participants(contenders, workload), UNLIMITED);
  const runs = new Map<string, Run[]>([...started.keys()].map((name) => [name, []]));
  for (const [name, contender] of started) {
    bench.onProgress(`${workload.name}: warming up ${name}`);
    await bench.run(contender, name, workload, warmUpSeconds);
    contender.resetPeak();
  }
  for (let round = 1; round <= rounds; round++) {
    for (const [name, contender] of started) {
      bench.onProgress(`${workload.name}: round ${round} of ${rounds}, ${name}`);
      // It was idle while the others were measured. V8 shrinks the young generation of an idle process.
      await bench.run(contender, name, workload, seconds / 4);
      runs.get(name)?.push(await bench.run(contender, name, workload, seconds));
    }
  }
  const reference = runs.get(referenceOf(workload));
  const measurements = new Map<string, Measurement>();
  for (const [name, contender] of started) {
    measurements.set(name, summarize(runs.get(name) ?? [], reference, contender.peakMiB()));
    await contender.stop();
  }
  return measurements;
}

function summarize(runs: readonly Run[], reference: readonly Run[] | undefined, peakMiB: number): Measurement {
  const spread = (pick: (run: Run) => number): Spread => spreadOf(runs.map(pick));
  const ratios = reference?.map(
    ({ cpuMsPerRequest }, round) => cpuMsPerRequest / (runs[round]?.cpuMsPerRequest ?? NaN),
  );
  return {
    cpuMsPerRequest: spread((run) => run.cpuMsPerRequest),
    ratioToH: ratios === undefined ? null : spreadOf(ratios),
    requestsPerSecond: spread(({ served, seconds }) => served / seconds),
    p50Ms: spread(({ p50Ms }) => p50Ms),
    p99Ms: spread(({ p99Ms }) => p99Ms),
    peakMiB,
    callsPerRequest: spread(({ callsPerRequest }) => callsPerRequest).median,
  };
}
