import { setTimeout as pause } from 'node:timers/promises';
import { type Dispatcher, Pool } from 'undici';
import { serveParent } from './parent';
import { percentile } from './statistics';
import { type Exchange, exchangesOf, type Workload } from './workloads';

export interface LoadCommand {
  origin: string;
  /** The headers of the callers, used in turn. */
  callers: Record<string, string>[];
  workload: Workload;
  seconds: number;
  /** Requests per second, sent when they are due whether or not those before were answered. Null: as fast as they are. */
  rate: number | null;
  /** Whether an answer that is not right is counted, instead of ending the run. */
  mayFail: boolean;
}

export interface LoadReport {
  /** Requests that were answered rightly. */
  served: number;
  /** Those that were not. */
  failed: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
}

/** One answer in so many is read wholly; of the others status and length have to be those of one that was. */
const READ_EVERY = 101;

/** What a contender still does after its last answer counts, too. */
const AFTERWARDS_MS = 50;

serveParent(async (command: LoadCommand): Promise<LoadReport> => {
  const exchanges = exchangesOf(command.workload);
  const pool = new Pool(command.origin, {
    connections: command.workload.connections,
    pipelining: 1,
    bodyTimeout: 60_000,
  });
  try {
    return await new Load(pool, exchanges, command).run();
  } finally {
    await pool.destroy();
  }
});

class Load {
  readonly #pool: Pool;
  readonly #exchanges: Exchange[];
  readonly #command: LoadCommand;
  readonly #latencies: number[] = [];
  #next = 0;
  #start = 0;
  #failed = 0;
  #rightLength = 0;

  constructor(pool: Pool, exchanges: Exchange[], command: LoadCommand) {
    this.#pool = pool;
    this.#exchanges = exchanges;
    this.#command = command;
  }

  async run(): Promise<LoadReport> {
    const { workload, seconds } = this.#command;
    const start = (this.#start = performance.now());
    const end = start + seconds * 1000;
    await Promise.all(Array.from({ length: workload.connections }, () => this.#connection(end)));
    const elapsed = (performance.now() - start) / 1000;
    await pause(AFTERWARDS_MS);
    const latencies = Float64Array.from(this.#latencies).sort();
    return {
      served: latencies.length,
      failed: this.#failed,
      seconds: elapsed,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  }

  async #connection(end: number): Promise<void> {
    const { callers, mayFail } = this.#command;
    do {
      const number = this.#next++;
      const exchange = this.#exchanges[number % this.#exchanges.length];
      const headers = callers[number % callers.length];
      if (exchange === undefined || headers === undefined) throw new RangeError('nothing to send');
      const start = await this.#whenDue(number);
      const answer = await this.#send(this.#bodyOf(exchange, number), headers);
      const problem = this.#problemOf(answer, exchange, number);
      if (problem === null) this.#latencies.push(performance.now() - start);
      else if (mayFail) this.#failed++;
      else
        throw new Error(`${problem}: ${answer.status} ${Buffer.concat(answer.chunks).toString('utf8').slice(0, 500)}`);
    } while (performance.now() < end);
  }

  /** @returns When the request was due: whoever is late to send it has let it wait. */
  async #whenDue(number: number): Promise<number> {
    const { rate } = this.#command;
    const now = performance.now();
    if (rate === null) return now;
    const due = this.#start + (number / rate) * 1000;
    if (due > now) await pause(due - now);
    return due;
  }

  /** Of one that was never seen before, where that is what is measured. */
  #bodyOf({ body }: Exchange, number: number): string {
    return this.#command.workload.distinct
      ? body.replace('query (', `query Number${this.#start.toFixed(0)}x${number} (`)
      : body;
  }

  #problemOf({ status, length, chunks }: Answer, exchange: Exchange, number: number): string | null {
    if (status !== 200) return 'an answer without success';
    if (length === this.#rightLength && number % READ_EVERY !== 0) return null;
    const { data, errors } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { data?: unknown; errors?: unknown };
    if (errors !== undefined) return 'an answer with errors';
    if (JSON.stringify(data) !== exchange.expected()) return 'an answer that is not the right one';
    this.#rightLength = length;
    return null;
  }

  #send(body: string, headers: Record<string, string>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#pool.dispatch({ method: 'POST', path: '/graphql', headers, body }, new Answer(resolve, reject));
    });
  }
}

class Answer implements Dispatcher.DispatchHandler {
  status = 0;
  length = 0;
  readonly chunks: Buffer[] = [];
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: Error) => void;

  constructor(resolve: (answer: Answer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** undici takes a handler without it for one of an older kind. */
  onRequestStart(): void {
    this.status = 0;
  }

  onResponseStart(_controller: unknown, status: number): void {
    this.status = status;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.length += chunk.length;
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#resolve(this);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#reject(error);
  }
}
