import type { Bench } from './bench';
import { type Contender, participants } from './contenders';
import { CALLS_PER_SECOND, LIMITED, type Workload } from './workloads';

/** The results of one contender under GenAuth's documented rate limit. */
export interface LimitMeasurement {
  /** Correct responses. */
  servedPerSecond: number;
  failedPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  callsPerSecond: number;
  refusedCallsPerSecond: number;
}

/** The product's results at a given rate of requests for single users, under the same rate limit. */
export interface OfferedMeasurement {
  offeredPerSecond: number;
  usersPerSecond: number;
  failedPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Measures how many requests are served while the stub rejects the calls over the documented rate limit. */
export async function measureLimit(
  bench: Bench,
  workload: Workload,
  contenders: readonly Contender[],
  seconds: number,
): Promise<Map<string, LimitMeasurement>> {
  const measurements = new Map<string, LimitMeasurement>();
  for (const contender of participants(contenders, workload)) {
    bench.onProgress(`${workload.name}: ${contender.name}`);
    const started = await bench.startAll(workload, [contender], {});
    for (const process of started.values()) {
      await bench.send(process, contender.name, workload, 1, { mayFail: true });
      await bench.limit(CALLS_PER_SECOND);
      // Not measured: in the first second the contender still has calls from before the limit.
      await bench.send(process, contender.name, workload, 1, { mayFail: true });
      await bench.limit(CALLS_PER_SECOND);
      const report = await bench.send(process, contender.name, workload, seconds, { mayFail: true });
      const { calls, refused } = await bench.limit(null);
      measurements.set(contender.name, {
        servedPerSecond: report.served / report.seconds,
        failedPerSecond: report.failed / report.seconds,
        p50Ms: report.p50Ms,
        p99Ms: report.p99Ms,
        callsPerSecond: calls / report.seconds,
        refusedCallsPerSecond: refused / report.seconds,
      });
      await process.stop();
    }
  }
  return measurements;
}

/** Measures latencies at given rates of requests for single users, under the same rate limit. */
export async function measureOffered(
  bench: Bench,
  product: Contender,
  rates: readonly number[],
  seconds: number,
): Promise<OfferedMeasurement[]> {
  const started = await bench.startAll(LIMITED, [product], {});
  const measurements: OfferedMeasurement[] = [];
  for (const process of started.values()) {
    await bench.run(process, product.name, LIMITED, 2);
    await bench.limit(CALLS_PER_SECOND);
    for (const rate of rates) {
      bench.onProgress(`${LIMITED.name}: ${rate} users per second`);
      const report = await bench.send(process, product.name, LIMITED, seconds, { rate, mayFail: true });
      measurements.push({
        offeredPerSecond: rate,
        usersPerSecond: report.served / report.seconds,
        failedPerSecond: report.failed / report.seconds,
        p50Ms: report.p50Ms,
        p99Ms: report.p99Ms,
      });
    }
    await process.stop();
  }
  return measurements;
}
