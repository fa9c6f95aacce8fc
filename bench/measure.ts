import { join } from 'node:path';
import type { Issuer } from '../test/support/issuer';
import { callersOf, type Contender, REFERENCE, UNLIMITED } from './contenders';
import type { LoadCommand, LoadReport } from './load';
import { ServerProcess, WorkerProcess } from './processes';
import { type Spread, spreadOf } from './statistics';
import type { StubCommand, StubReport } from './stub';
import { CALLS_PER_SECOND, DISTINCT_DOCUMENTS, DOCUMENTS, LIMITED, type Workload } from './workloads';

export interface Plan {
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
}

/** The results of one contender under one workload. */
export interface Measurement {
  cpuMsPerRequest: Spread;
  /** Requests per CPU second, as a multiple of H's in the same round. Null without H. */
  ratioToH: Spread | null;
  requestsPerSecond: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  peakMiB: number;
  callsPerRequest: number;
}

/** The results of one contender under GenAuth's documented rate limit. */
export interface LimitMeasurement {
  usersPerSecond: number;
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

/** Resident memory after a number of documents, each of which was sent once. */
export interface DocumentsMeasurement {
  documents: number;
  residentMiB: number;
}

interface Run extends LoadReport {
  cpuMsPerRequest: number;
  callsPerRequest: number;
}

/** Measures contenders against the stub of GenAuth, in alternating rounds. */
export class Bench {
  readonly #stub: WorkerProcess<StubCommand, StubReport>;
  readonly #load: WorkerProcess<LoadCommand, LoadReport>;
  readonly #stubPort: number;
  readonly #issuer: Issuer;
  readonly #callers: Record<string, string>[];
  readonly #folder: string;
  readonly #onProgress: (text: string) => void;

  private constructor(
    workers: {
      stub: WorkerProcess<StubCommand, StubReport>;
      load: WorkerProcess<LoadCommand, LoadReport>;
      stubPort: number;
    },
    issuer: Issuer,
    { folder, onProgress }: BenchOptions,
  ) {
    this.#stub = workers.stub;
    this.#load = workers.load;
    this.#stubPort = workers.stubPort;
    this.#issuer = issuer;
    this.#callers = callersOf(issuer);
    this.#folder = folder;
    this.#onProgress = onProgress;
  }

  static async start(issuer: Issuer, options: BenchOptions): Promise<Bench> {
    const stub = await WorkerProcess.start<StubCommand, StubReport>('stub');
    const load = await WorkerProcess.start<LoadCommand, LoadReport>('load');
    const { port } = await stub.ask({ limit: null });
    return new Bench({ stub, load, stubPort: port }, issuer, options);
  }

  /**
   * Measures contenders under a workload.
   *
   * @returns By name of the contender.
   */
  async measure(
    workload: Workload,
    contenders: readonly Contender[],
    { rounds, seconds, warmUpSeconds }: Plan,
  ): Promise<Map<string, Measurement>> {
    const started = await this.#startAll(workload, contenders, UNLIMITED);
    const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
    for (const [name, contender] of started) {
      this.#onProgress(`${workload.name}: warming up ${name}`);
      await this.#run(contender, name, workload, warmUpSeconds);
      contender.resetPeak();
    }
    for (let round = 1; round <= rounds; round++) {
      for (const [name, contender] of started) {
        this.#onProgress(`${workload.name}: round ${round} of ${rounds}, ${name}`);
        runs.get(name)?.push(await this.#run(contender, name, workload, seconds));
      }
    }
    const reference = runs.get(REFERENCE);
    const measurements = new Map<string, Measurement>();
    for (const [name, contender] of started) {
      measurements.set(name, summarize(runs.get(name) ?? [], reference, contender.peakMiB()));
      await contender.stop();
    }
    return measurements;
  }

  /** Measures how many users are served while the stub rejects the calls over the documented rate limit. */
  async measureLimit(contenders: readonly Contender[], seconds: number): Promise<Map<string, LimitMeasurement>> {
    const measurements = new Map<string, LimitMeasurement>();
    for (const contender of contenders) {
      this.#onProgress(`${LIMITED.name}: ${contender.name}`);
      const started = await this.#startAll(LIMITED, [contender], {});
      for (const process of started.values()) {
        await this.#run(process, contender.name, LIMITED, 1);
        await this.#stub.ask({ limit: CALLS_PER_SECOND });
        // Not measured: in the first second the contender still has calls from before the limit.
        await this.#send(process, contender.name, LIMITED, 1, { mayFail: true });
        await this.#stub.ask({ limit: CALLS_PER_SECOND });
        const report = await this.#send(process, contender.name, LIMITED, seconds, { mayFail: true });
        const { calls, refused } = await this.#stub.ask({ limit: null });
        measurements.set(contender.name, {
          usersPerSecond: report.served / report.seconds,
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
  async measureOffered(product: Contender, rates: readonly number[], seconds: number): Promise<OfferedMeasurement[]> {
    const started = await this.#startAll(LIMITED, [product], {});
    const measurements: OfferedMeasurement[] = [];
    for (const process of started.values()) {
      await this.#run(process, product.name, LIMITED, 2);
      await this.#stub.ask({ limit: CALLS_PER_SECOND });
      for (const rate of rates) {
        this.#onProgress(`${LIMITED.name}: ${rate} users per second`);
        const {
          served,
          failed,
          seconds: elapsed,
          p50Ms,
          p99Ms,
        } = await this.#send(process, product.name, LIMITED, seconds, { rate, mayFail: true });
        measurements.push({
          offeredPerSecond: rate,
          usersPerSecond: served / elapsed,
          failedPerSecond: failed / elapsed,
          p50Ms,
          p99Ms,
        });
      }
      await process.stop();
    }
    return measurements;
  }

  /** Measures how memory grows with documents that are sent only once. */
  async measureDocuments(product: Contender): Promise<DocumentsMeasurement[]> {
    const started = await this.#startAll(DOCUMENTS, [product], UNLIMITED);
    const measurements: DocumentsMeasurement[] = [];
    for (const process of started.values()) {
      let documents = 0;
      while (documents < DISTINCT_DOCUMENTS) {
        this.#onProgress(`${DOCUMENTS.name}: ${documents} of ${DISTINCT_DOCUMENTS}`);
        documents += (await this.#send(process, product.name, DOCUMENTS, 3)).served;
        measurements.push({ documents, residentMiB: process.residentMiB() });
      }
      await process.stop();
    }
    return measurements;
  }

  async #startAll(
    { name: workload }: Workload,
    contenders: readonly Contender[],
    env: Record<string, string>,
  ): Promise<Map<string, ServerProcess>> {
    this.#onProgress(`${workload}: starting`);
    const started = new Map<string, ServerProcess>();
    for (const { name, args, env: ownEnv } of contenders) {
      const files = join(this.#folder, `${workload}.${name}`);
      const upstream = {
        GENAUTH_HOST: `http://127.0.0.1:${this.#stubPort}`,
        GENAUTH_ACCESS_KEY_ID: '65f1c1a2b3c4d5e6f7a8b9c0',
        GENAUTH_ACCESS_KEY_SECRET: 'a-made-up-secret-of-the-stub',
      };
      const all = { ...upstream, ...env, ...ownEnv(this.#issuer, files) };
      started.set(name, await naming(name, ServerProcess.start(args, all, `${files}.log`)));
    }
    return started;
  }

  /** Sends requests from idle to idle, so that the CPU time belongs to these requests only. */
  async #run(contender: ServerProcess, name: string, workload: Workload, seconds: number): Promise<Run> {
    await this.#stub.ask({ limit: null });
    const before = contender.cpuMs();
    const report = await this.#send(contender, name, workload, seconds);
    const cpuMs = contender.cpuMs() - before;
    const { calls } = await this.#stub.ask({ limit: null });
    return { ...report, cpuMsPerRequest: cpuMs / report.served, callsPerRequest: calls / report.served };
  }

  #send(
    { url: origin }: ServerProcess,
    name: string,
    workload: Workload,
    seconds: number,
    { rate = null, mayFail = false }: Partial<Pick<LoadCommand, 'rate' | 'mayFail'>> = {},
  ): Promise<LoadReport> {
    const command = { origin, callers: this.#callers, workload, seconds, rate, mayFail };
    return naming(`${name} under ${workload.name}`, this.#load.ask(command));
  }
}

export interface BenchOptions {
  /** Where contenders write their files. */
  folder: string;
  onProgress: (text: string) => void;
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

async function naming<Result>(name: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
