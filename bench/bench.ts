import { join } from 'node:path';
import type { Issuer } from '../test/support/issuer';
import { callersOf, type Contender } from './contenders';
import type { LoadCommand, LoadReport } from './load';
import { ServerProcess, WorkerProcess } from './processes';
import type { StubCommand, StubReport } from './stub';
import type { Workload } from './workloads';

export interface BenchOptions {
  /** Where contenders write their files. */
  folder: string;
  onProgress: (text: string) => void;
}

/** A server under load, with the CPU time of its own. */
export interface Run extends LoadReport {
  cpuMsPerRequest: number;
  callsPerRequest: number;
}

/** Where and how requests are sent. */
export type SendOptions = Partial<Pick<LoadCommand, 'rate' | 'mayFail'>>;

/** The processes that measure contenders: a stub of GenAuth, a load generator, and an issuer of tokens. */
export class Bench {
  readonly issuer: Issuer;
  readonly folder: string;
  readonly onProgress: (text: string) => void;
  readonly #stub: WorkerProcess<StubCommand, StubReport>;
  readonly #load: WorkerProcess<LoadCommand, LoadReport>;
  readonly #stubPort: number;
  readonly #callers: Partial<Record<Workload['callers'], Record<string, string>[]>> = {};

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
    this.issuer = issuer;
    this.folder = folder;
    this.onProgress = onProgress;
  }

  static async start(issuer: Issuer, options: BenchOptions): Promise<Bench> {
    const stub = await WorkerProcess.start<StubCommand, StubReport>('stub');
    const load = await WorkerProcess.start<LoadCommand, LoadReport>('load');
    const { port } = await stub.ask({ limit: null });
    return new Bench({ stub, load, stubPort: port }, issuer, options);
  }

  /**
   * Starts contenders.
   *
   * @param env Added to the environment of each.
   * @returns By name.
   */
  async startAll(
    { name: workload }: Pick<Workload, 'name'>,
    contenders: readonly Contender[],
    env: Record<string, string>,
  ): Promise<Map<string, ServerProcess>> {
    this.onProgress(`${workload}: starting`);
    const started = new Map<string, ServerProcess>();
    for (const { name, args, env: ownEnv } of contenders) {
      const files = join(this.folder, `${workload}.${name}`);
      const upstream = {
        GENAUTH_HOST: `http://127.0.0.1:${this.#stubPort}`,
        GENAUTH_ACCESS_KEY_ID: '65f1c1a2b3c4d5e6f7a8b9c0',
        GENAUTH_ACCESS_KEY_SECRET: 'a-made-up-secret-of-the-stub',
      };
      const all = { ...upstream, ...env, ...ownEnv(this.issuer, files) };
      started.set(name, await naming(name, ServerProcess.start(args, all, `${files}.log`)));
    }
    return started;
  }

  /** Sends requests from idle to idle, so that the CPU time belongs to these requests only. */
  async run(contender: ServerProcess, name: string, workload: Workload, seconds: number): Promise<Run> {
    await this.limit(null);
    const before = contender.cpuMs();
    const report = await this.send(contender, name, workload, seconds);
    const cpuMs = contender.cpuMs() - before;
    const { calls } = await this.limit(null);
    return { ...report, cpuMsPerRequest: cpuMs / report.served, callsPerRequest: calls / report.served };
  }

  send(
    { url: origin }: ServerProcess,
    name: string,
    workload: Workload,
    seconds: number,
    { rate = null, mayFail = false }: SendOptions = {},
  ): Promise<LoadReport> {
    const callers = (this.#callers[workload.callers] ??= callersOf(workload.callers, this.issuer));
    const command = { origin, callers, workload, seconds, rate, mayFail };
    return naming(`${name} under ${workload.name}`, this.#load.ask(command));
  }

  /**
   * Sets the limit of the stub, and links all users again.
   *
   * @param callsPerSecond Null: no limit.
   * @returns The calls since the previous time.
   */
  limit(callsPerSecond: number | null): Promise<StubReport> {
    return this.#stub.ask({ limit: callsPerSecond });
  }
}

async function naming<Result>(name: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
