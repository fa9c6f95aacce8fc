import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ExponentialBackoff,
  halfJitterGenerator,
  handleWhen,
  SamplingBreaker,
} from 'cockatiel';
import { type Deadline, pause } from '../deadline';
import type { JsonReader } from '../json';
import { Admission, AdmissionError, type Lane } from './admission';
import type { RequestOf, Route } from './api';
import type { Authentication, Headers } from './authentication';
import { type Answer, judge } from './envelope';
import {
  ManagementError,
  ManagementRefusedError,
  ManagementUnreachableError,
  type Refusal,
  refusedToken,
  type Unreachability,
} from './errors';
import { DEFAULT_PAUSE_MS, isRepeatable } from './repeat';
import { RetryBudget } from './retryBudget';
import type { RateLimit } from './tokenBucket';
import { type Exchange, headerOf, type Transport, TransportError, type WireRequest } from './transport';
import { type Method, split, toWireRequest } from './wireRequest';

export interface RequestsOptions {
  transport: Transport;
  authentication: Authentication;
  rateLimit: RateLimit;
  maxConcurrency: number;
  /** Milliseconds for one attempt of a GET. */
  readTimeoutMs: number;
  /** Milliseconds for one attempt of a POST. */
  writeTimeoutMs: number;
  onCall: (report: CallReport) => void;
}

/** How one attempt ended. */
export interface CallReport {
  route: Route;
  attempt: 1 | 2;
  result: 'ok' | Refusal | Unreachability;
  /** Of HTTP; null where no answer came. */
  status: number | null;
  /** When it was allowed to go out, by `performance.now()`. Null: never. */
  startedAt: number | null;
  /** Milliseconds from then on. 0 where it was not. */
  ms: number;
  /** What could end it, as it was handed in: by this a caller knows whose call it was. */
  deadline: Deadline;
}

type ReadData<Data> = (json: JsonReader) => Data;

export interface RequestOptions {
  /** Ends it, waiting included. */
  deadline: Deadline;
  lane: Lane;
  /** Whether a second attempt may be made where that is safe. */
  repeat: boolean;
}

/** An answer, and how many requests it took. */
export type AttemptedAnswer<Data> = Answer<Data> & { attempts: number };

/** What the protection of GenAuth and of this process is doing at this moment. */
export interface Protection {
  breaker: 'closed' | 'open' | 'half_open';
  /** Calls that wait for their turn. */
  waitingCalls: number;
  retriesLeft: number;
}

/** Opens when half of at least 20 calls within 10 s failed; then one call at a time tries whether GenAuth is back. */
const BREAKER = { threshold: 0.5, duration: 10_000, minimumRps: 2 };
const HALF_OPEN_AFTER = new ExponentialBackoff({
  initialDelay: 1_000,
  maxDelay: 15_000,
  // By default it would come down to some milliseconds.
  generator: halfJitterGenerator,
});

/**
 * Sends requests, each of at most two attempts: under a bounded concurrency and rate, not at all while GenAuth is down, and
 * with a second attempt only where the first cannot have done anything, or where doing it again does nothing.
 */
export class Requests {
  readonly #transport: Transport;
  readonly #authentication: Authentication;
  readonly #timeoutMs: Readonly<Record<Method, number>>;
  readonly #admission: Admission;
  readonly #budget = new RetryBudget();
  readonly #breaker = circuitBreaker(
    handleWhen((error) => this.#isFailure(error)),
    {
      breaker: new SamplingBreaker(BREAKER),
      halfOpenAfter: HALF_OPEN_AFTER,
    },
  );

  readonly #onCall: RequestsOptions['onCall'];

  constructor(options: RequestsOptions) {
    this.#transport = options.transport;
    this.#authentication = options.authentication;
    this.#timeoutMs = { GET: options.readTimeoutMs, POST: options.writeTimeoutMs };
    this.#admission = new Admission({ maxConcurrency: options.maxConcurrency, rateLimit: options.rateLimit });
    this.#onCall = options.onCall;
  }

  get protection(): Protection {
    const { state } = this.#breaker;
    return {
      breaker: state === CircuitState.Open ? 'open' : state === CircuitState.HalfOpen ? 'half_open' : 'closed',
      waitingCalls: this.#admission.waiting,
      retriesLeft: this.#budget.left,
    };
  }

  /**
   * Sends a request and judges the answer.
   *
   * @param draw What to send. Asked for at the last moment, when the request may go out; null sends nothing.
   * @param readData Reads the `data` of the answer, whatever it is.
   * @returns null where nothing was sent.
   * @throws {ManagementRefusedError | ManagementUnreachableError}
   */
  request<R extends Route, Data>(
    route: R,
    draw: () => RequestOf<R>,
    readData: ReadData<Data>,
    options: RequestOptions,
  ): Promise<AttemptedAnswer<Data>>;
  request<R extends Route, Data>(
    route: R,
    draw: () => RequestOf<R> | null,
    readData: ReadData<Data>,
    options: RequestOptions,
  ): Promise<AttemptedAnswer<Data> | null>;
  async request<R extends Route, Data>(
    route: R,
    draw: () => RequestOf<R> | null,
    readData: ReadData<Data>,
    options: RequestOptions,
  ): Promise<AttemptedAnswer<Data> | null> {
    let data: RequestOf<R> | null | undefined;
    const drawOnce = (): RequestOf<R> | null => (data === undefined ? (data = draw()) : data);
    let attempt: Attempt = { number: 1 };
    let sentBefore = 0;
    for (;;) {
      try {
        // While one call tries whether GenAuth is back, the others need not wait for what it finds.
        if (this.#breaker.state === CircuitState.HalfOpen) throw new BrokenCircuitError();
        const underWay = attempt;
        const answer = await this.#breaker.execute(() => this.#exchange(route, drawOnce, readData, options, underWay));
        this.#budget.succeeded();
        this.#report(route, options, attempt, 'ok');
        return Object.assign(answer, { attempts: sentBefore + 1 });
      } catch (cause) {
        if (cause === NOTHING_TO_SEND) return null;
        const error = toManagementError(route, cause);
        this.#reportError(route, options, attempt, error);
        if (attempt.headers !== undefined) sentBefore++;
        if (attempt.number === 2 || !(await this.#mayRepeat(route, error, attempt, options))) {
          if (error instanceof ManagementError) error.attempts = sentBefore;
          throw error;
        }
        attempt = { number: 2 };
      }
    }
  }

  /** Sends a request that proves who we are by what it holds, outside of every lane: other requests wait for it. */
  async requestUnauthenticated<R extends Route, Data>(
    route: R,
    data: RequestOf<R>,
    readData: ReadData<Data>,
    deadline: Deadline,
  ): Promise<Answer<Data>> {
    try {
      return judge(route, await this.#send(toWireRequest(route, data, []), deadline), readData);
    } catch (error) {
      throw toManagementError(route, error);
    }
  }

  async #exchange<R extends Route, Data>(
    route: R,
    draw: () => RequestOf<R> | null,
    readData: ReadData<Data>,
    { lane, deadline }: RequestOptions,
    attempt: Attempt,
  ): Promise<Answer<Data>> {
    const turn = this.#admission.enter(lane, deadline);
    if (turn !== null) await turn;
    try {
      const data = draw();
      if (data === null) throw NOTHING_TO_SEND;
      attempt.startedAt = performance.now();
      const headers = this.#credentials(route, data, deadline);
      attempt.headers = headers instanceof Promise ? await headers : headers;
      const exchange = await this.#send(toWireRequest(route, data, attempt.headers), deadline);
      attempt.exchange = exchange;
      const answer = judge(route, exchange, readData);
      // All of it has been read (decision 0015).
      exchange.body = NOTHING;
      return answer;
    } catch (error) {
      // Here already, because the breaker looks at it.
      throw toManagementError(route, error);
    } finally {
      this.#admission.leave(lane);
    }
  }

  #report(
    route: Route,
    { deadline }: RequestOptions,
    { number: attempt, startedAt: start, exchange }: Attempt,
    result: CallReport['result'],
  ): void {
    const startedAt = start ?? null;
    const ms = startedAt === null ? 0 : performance.now() - startedAt;
    this.#onCall({ route, attempt, result, status: exchange?.status ?? null, startedAt, ms, deadline });
  }

  #reportError(route: Route, options: RequestOptions, attempt: Attempt, error: unknown): void {
    if (error instanceof ManagementRefusedError) {
      if (error.refusal === 'rate_limited') this.#admission.pause(error.retryAfterMs ?? DEFAULT_PAUSE_MS);
      this.#report(route, options, attempt, error.refusal);
    }
    if (error instanceof ManagementUnreachableError) this.#report(route, options, attempt, error.reason);
  }

  /** Decides about a second attempt, and waits before it. */
  async #mayRepeat(
    route: Route,
    error: unknown,
    { headers, exchange }: Attempt,
    options: RequestOptions,
  ): Promise<boolean> {
    if (!options.repeat || options.deadline.aborted) return false;
    if (error instanceof ManagementRefusedError && error.refusal === 'credentials') {
      // Refused before anything was executed, so that even a write may be sent again.
      return (
        headers !== undefined &&
        this.#authentication.renew({ headers, apiCode: error.apiCode, date: exchange && headerOf(exchange, 'date') })
      );
    }
    if (!isRepeatable(route, error) || !this.#budget.spend()) return false;
    // Full jitter, so that what failed together does not come back together.
    await pause(50 + Math.random() * 200, options.deadline).catch(() => undefined);
    return !options.deadline.aborted;
  }

  /** Whatever fails here, the operation itself was not sent. */
  #credentials<R extends Route>(route: R, data: RequestOf<R>, deadline: Deadline): Headers | Promise<Headers> {
    const [method, path] = split(route);
    const headers = this.#authentication.headers({ method, path, data }, deadline);
    if (!(headers instanceof Promise)) return headers;
    return headers.catch((cause: unknown) => {
      if (cause instanceof ManagementRefusedError) throw refusedToken(cause);
      const reason = cause instanceof ManagementUnreachableError ? cause.reason : 'deadline';
      throw new ManagementUnreachableError(route, reason, 'no', { cause });
    });
  }

  #send(request: WireRequest, deadline: Deadline): Promise<Exchange> {
    return this.#transport.exchange(request, { timeoutMs: this.#timeoutMs[request.method], deadline });
  }

  /** What counts against GenAuth. While one call tries whether it is back, every error does: it has not shown that it is. */
  #isFailure(error: unknown): boolean {
    if (this.#breaker.state === CircuitState.HalfOpen) return !(error instanceof ManagementRefusedError);
    return error instanceof ManagementUnreachableError && (FAILURES.has(error.reason) || error.sent === 'maybe');
  }
}

interface Attempt {
  number: 1 | 2;
  startedAt?: number;
  /** Of a request that went to the transport. */
  headers?: Headers;
  exchange?: Exchange;
}

/** Says of what stopped a request whether it was sent. */
function toManagementError(route: Route, cause: unknown): unknown {
  if (cause instanceof TransportError) {
    return new ManagementUnreachableError(route, cause.reason, cause.sent, { cause });
  }
  if (cause instanceof AdmissionError) {
    const { reason, retryAfterMs } = cause;
    return new ManagementUnreachableError(route, reason, 'no', { cause, retryAfterMs });
  }
  if (cause instanceof BrokenCircuitError) return new ManagementUnreachableError(route, 'breaker_open', 'no');
  return cause;
}

const NOTHING = Buffer.alloc(0);

/** Not an error, but a way out of the breaker that does not look like an answer to it. */
const NOTHING_TO_SEND = new Error('nothing to send');

/** Nothing was sent, and it is GenAuth's side that failed. */
const FAILURES: ReadonlySet<Unreachability> = new Set(['dns', 'connection_refused', 'connect_timeout', 'tls']);
