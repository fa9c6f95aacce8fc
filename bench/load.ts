import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { type Exchange, type Exchanges, exchangesOf, OPERATION_ID } from './exchanges';
import { generateLoad } from './generator';
import { serveParent } from './parent';
import { type Response, send } from './response';
import { percentile } from './statistics';
import type { Workload } from './workloads';

export interface LoadCommand {
  origin: string;
  /** The headers of the callers, used in turn. */
  callers: Record<string, string>[];
  workload: Workload;
  seconds: number;
  /** See `GeneratorOptions`. */
  rate: number | null;
  /** Whether an incorrect response is counted, instead of ending the run. */
  mayFail: boolean;
}

export interface LoadReport {
  /** Correct responses. */
  served: number;
  /** Incorrect responses. */
  failed: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
}

/** One response in 101 is compared in full. The others must have the status and the length of one that was. */
const COMPARE_EVERY = 101;

/** CPU time that a contender spends after its last response belongs to the run too. */
const AFTERWARDS_MS = 50;

serveParent(async (command: LoadCommand): Promise<LoadReport> => {
  const { origin, workload, seconds, rate } = command;
  const { connections } = workload;
  const pool = new Pool(origin, { connections, pipelining: 1, bodyTimeout: 60_000 });
  try {
    const load = new Load(pool, command);
    const startedAt = performance.now();
    const end = startedAt + seconds * 1_000;
    await generateLoad({
      connections,
      rate,
      isOver: () => performance.now() >= end,
      send: (number, dueAt) => load.send(number, dueAt),
    });
    const elapsed = (performance.now() - startedAt) / 1_000;
    await pause(AFTERWARDS_MS);
    return load.report(elapsed);
  } finally {
    await pool.destroy();
  }
});

/** Sends the requests of one command, checks the responses and measures their latencies. */
class Load {
  readonly #pool: Pool;
  readonly #command: LoadCommand;
  readonly #exchanges: Exchanges;
  /** Makes the documents of this run differ from those of earlier runs. */
  readonly #run = performance.now().toFixed(0);
  readonly #latencies: number[] = [];
  #failed = 0;
  #correctLength = 0;

  constructor(pool: Pool, command: LoadCommand) {
    this.#pool = pool;
    this.#command = command;
    this.#exchanges = exchangesOf(command.workload);
  }

  async send(number: number, dueAt: number): Promise<void> {
    const { callers, mayFail } = this.#command;
    const exchange = this.#exchanges(number);
    const headers = callers[number % callers.length] ?? {};
    const body = this.#bodyOf(exchange, number);
    const response = await send(this.#pool, { method: 'POST', path: '/graphql', headers, body });
    const problem = this.#problemOf(response, exchange, number);
    if (problem === null) this.#latencies.push(performance.now() - dueAt);
    else if (mayFail) this.#failed++;
    else throw new Error(`${problem}: ${response.status} ${response.text().slice(0, 500)}`);
  }

  report(seconds: number): LoadReport {
    const latencies = Float64Array.from(this.#latencies).sort();
    return {
      served: latencies.length,
      failed: this.#failed,
      seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  }

  #bodyOf({ body }: Exchange, number: number): string {
    return this.#command.workload.distinct ? body.replace('query (', `query Number${this.#run}x${number} (`) : body;
  }

  #problemOf(response: Response, exchange: Exchange, number: number): string | null {
    if (response.status !== 200) return 'a response without success';
    if (response.length === this.#correctLength && number % COMPARE_EVERY !== 0) return null;
    const { data, errors } = JSON.parse(response.text()) as { data?: unknown; errors?: unknown };
    if (errors !== undefined) return 'a response with errors';
    if (JSON.stringify(data, withoutOperationIds) !== JSON.stringify(exchange.expected()))
      return 'an incorrect response';
    this.#correctLength = response.length;
    return null;
  }
}

function withoutOperationIds(name: string, value: unknown): unknown {
  return name === 'operationId' && typeof value === 'string' ? OPERATION_ID : value;
}
