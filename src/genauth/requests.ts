import { BrokenCircuitError } from 'cockatiel';
import { type Deadline, pause } from '../deadline';
import type { JsonReader } from '../json';
import { Admission, type Lane, type Turn } from './admission';
import type { RequestOf, Route } from './api';
import type { Authentication, Headers } from './authentication';
import { Breaker } from './breaker';
import { type ApiResponse, judge } from './envelope';
import {
  isContentFault,
  ManagementError,
  ManagementRefusedError,
  ManagementUnreachableError,
  type Refusal,
  refusedToken,
  type Unreachability,
} from './errors';
import { toManagementError } from './requestErrors';
import { DEFAULT_PAUSE_MS, isRetryable, isTransient, TRANSIENT_MS } from './retry';
import { RetryBudget } from './retryBudget';
import type { RateLimit } from './tokenBucket';
import { headerOf, type Transport, type WireRequest, type WireResponse } from './transport';
import { isRead, type Method, split, toWireRequest } from './wireRequest';

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

/** How one attempt of a call ended. */
export interface CallReport {
  route: Route;
  attempt: 1 | 2;
  result: 'ok' | Refusal | Unreachability;
  /** HTTP status; null where no response came. */
  status: number | null;
  /** When the attempt was admitted, by `performance.now()`. Null: it never was. */
  startedAt: number | null;
  /** Milliseconds since `startedAt`; 0 where that is null. */
  ms: number;
  /** The deadline that the call was made with. It identifies the request, or the batch, that made the call. */
  deadline: Deadline;
}

/** Reads one JSON value, of any kind. */
type ReadData<Data> = (json: JsonReader) => Data;

export interface RequestOptions {
  /** Ends the call, waiting included. */
  deadline: Deadline;
  lane: Lane;
  /**
   * Whether there may be a second attempt where that is safe. `unlessContent`: not after a failure that the data of one user
   * can cause, because the caller retries parts of the request.
   */
  retry: boolean | 'unlessContent';
  /** Default: 4 MiB. Maximum size of the response. */
  maxBytes?: number;
  /** A turn for the first attempt, from `awaitTurn`. Default: the call waits for one. */
  turn?: Turn | undefined;
  /** Default: none. Sent as `Idempotency-Key`. */
  idempotencyKey?: string;
}

/** A successful response, and how many requests it took. */
export type AttemptedResponse<Data> = ApiResponse<Data> & { attempts: number };

/** State of what protects GenAuth and this process from too many calls. */
export interface Protection {
  /** Reads and writes have a breaker each, so that failing reads never refuse a write, and the reverse. */
  breakers: Readonly<Record<Lane, Breaker['state']>>;
  /** Number of calls that wait for their turn. */
  waitingCalls: number;
  retriesLeft: number;
}

/** One attempt of a call, filled in as it proceeds. */
interface Attempt {
  number: 1 | 2;
  startedAt?: number;
  /** Present from when the request went to the transport. */
  headers?: Headers;
  response?: WireResponse;
}

/**
 * Makes calls of at most two attempts each. Each attempt waits for its turn, passes the circuit breaker, and is sent with
 * credentials of its own. There is a second attempt only where the first had no effect, or where repeating it has none.
 */
export class Requests {
  readonly #transport: Transport;
  readonly #authentication: Authentication;
  readonly #timeoutMs: Readonly<Record<Method, number>>;
  readonly #admission: Admission;
  readonly #budget = new RetryBudget();
  readonly #breakers: Readonly<Record<Lane, Breaker>> = { reads: new Breaker(), writes: new Breaker() };
  readonly #onCall: RequestsOptions['onCall'];

  constructor(options: RequestsOptions) {
    this.#transport = options.transport;
    this.#authentication = options.authentication;
    this.#timeoutMs = { GET: options.readTimeoutMs, POST: options.writeTimeoutMs };
    this.#admission = new Admission({ maxConcurrency: options.maxConcurrency, rateLimit: options.rateLimit });
    this.#onCall = options.onCall;
  }

  get protection(): Protection {
    return {
      breakers: { reads: this.#breakers.reads.state, writes: this.#breakers.writes.state },
      waitingCalls: this.#admission.waiting,
      retriesLeft: this.#budget.left,
    };
  }

  /**
   * Waits until a call may be sent, before it is known what to send. The turn has to be released, also where it was
   * used for a `request`.
   *
   * @throws {ManagementUnreachableError} There is no turn: nothing was sent.
   */
  async awaitTurn(route: Route, options: RequestOptions): Promise<Turn> {
    return this.#awaitTurn(route, options, { number: 1 });
  }

  /**
   * Sends a request and judges the response.
   *
   * @param readData Reads the `data` of the response.
   * @throws {ManagementRefusedError | ManagementUnreachableError}
   */
  async request<R extends Route, Data>(
    route: R,
    data: RequestOf<R>,
    readData: ReadData<Data>,
    options: RequestOptions,
  ): Promise<AttemptedResponse<Data>> {
    let attempt: Attempt = { number: 1 };
    let { turn } = options;
    let sentBefore = 0;
    for (;;) {
      try {
        turn ??= await this.#awaitTurn(route, options, attempt);
        const response = await this.#attempt(route, data, readData, options, attempt, turn);
        return Object.assign(response, { attempts: sentBefore + 1 });
      } catch (error) {
        if (attempt.headers !== undefined) sentBefore++;
        if (attempt.number === 2 || !(await this.#mayRetry(route, error, attempt, options))) {
          if (error instanceof ManagementError) error.attempts = sentBefore;
          throw error;
        }
        attempt = { number: 2 };
        turn = undefined;
      }
    }
  }

  /**
   * Sends a request whose body proves who this client is. It counts in the rate, before all other calls. It needs no room,
   * because the calls that take up the room wait for its result.
   */
  async requestUnauthenticated<R extends Route, Data>(
    route: R,
    data: RequestOf<R>,
    readData: ReadData<Data>,
    deadline: Deadline,
  ): Promise<ApiResponse<Data>> {
    try {
      await this.#admission.enterFirst(deadline);
      return judge(route, await this.#send(toWireRequest(route, data, []), deadline), readData);
    } catch (error) {
      throw toManagementError(route, error);
    }
  }

  async #awaitTurn(route: Route, options: RequestOptions, attempt: Attempt): Promise<Turn> {
    try {
      if (this.#breakerOf(route).isRejecting) throw new BrokenCircuitError();
      return await this.#admission.enter(options.lane, options.deadline);
    } catch (cause) {
      throw this.#failed(route, options, attempt, cause);
    }
  }

  async #attempt<R extends Route, Data>(
    route: R,
    data: RequestOf<R>,
    readData: ReadData<Data>,
    options: RequestOptions,
    attempt: Attempt,
    turn: Turn,
  ): Promise<ApiResponse<Data>> {
    try {
      const response = await this.#breakerOf(route).execute(() =>
        this.#exchange(route, data, readData, options, attempt),
      );
      this.#budget.succeeded();
      this.#report(route, options, attempt, 'ok');
      return response;
    } catch (cause) {
      throw this.#failed(route, options, attempt, cause);
    } finally {
      turn.release();
    }
  }

  async #exchange<R extends Route, Data>(
    route: R,
    data: RequestOf<R>,
    readData: ReadData<Data>,
    { deadline, idempotencyKey, maxBytes }: RequestOptions,
    attempt: Attempt,
  ): Promise<ApiResponse<Data>> {
    try {
      attempt.startedAt = performance.now();
      attempt.headers = await this.#credentials(route, data, deadline);
      const idempotency = idempotencyKey === undefined ? [] : ['idempotency-key', idempotencyKey];
      const request = toWireRequest(route, data, attempt.headers.concat(idempotency));
      const response = await this.#send(request, deadline, maxBytes);
      attempt.response = response;
      return judge(route, response, readData);
    } catch (error) {
      // Translated here already, because the breaker judges the error.
      throw toManagementError(route, error);
    }
  }

  #send(request: WireRequest, deadline: Deadline, maxBytes?: number): Promise<WireResponse> {
    return this.#transport.send(request, { timeoutMs: this.#timeoutMs[request.method], deadline, maxBytes });
  }

  /** @throws {ManagementError} There are no credentials: the operation itself was not sent. */
  async #credentials<R extends Route>(route: R, data: RequestOf<R>, deadline: Deadline): Promise<Headers> {
    const [method, path] = split(route);
    try {
      return await this.#authentication.headers({ method, path, data }, deadline);
    } catch (cause) {
      if (cause instanceof ManagementRefusedError) throw refusedToken(cause);
      const reason = cause instanceof ManagementUnreachableError ? cause.reason : 'deadline';
      throw new ManagementUnreachableError(route, reason, 'no', { cause });
    }
  }

  #breakerOf(route: Route): Breaker {
    return this.#breakers[isRead(route) ? 'reads' : 'writes'];
  }

  /** Reports that an attempt failed, and pauses all calls after a 429. @returns The error to throw. */
  #failed(route: Route, options: RequestOptions, attempt: Attempt, cause: unknown): unknown {
    const error = toManagementError(route, cause);
    if (error instanceof ManagementRefusedError) {
      if (error.refusal === 'rate_limited') {
        error.retryAfterMs ??= DEFAULT_PAUSE_MS;
        this.#admission.pause(error.retryAfterMs);
      }
      this.#report(route, options, attempt, error.refusal);
    }
    if (error instanceof ManagementUnreachableError) {
      if (isTransient(error)) {
        error.retryAfterMs ??= Math.ceil(
          Math.max(this.#breakerOf(route).retryAfterMs, this.#admission.pauseMs, TRANSIENT_MS),
        );
      }
      this.#report(route, options, attempt, error.reason);
    }
    return error;
  }

  #report(route: Route, { deadline }: RequestOptions, attempt: Attempt, result: CallReport['result']): void {
    const { number, startedAt = null, response } = attempt;
    const ms = startedAt === null ? 0 : performance.now() - startedAt;
    this.#onCall({ route, attempt: number, result, status: response?.status ?? null, startedAt, ms, deadline });
  }

  /** Decides about a second attempt, and pauses before it. */
  async #mayRetry(
    route: Route,
    error: unknown,
    { headers, response }: Attempt,
    { retry, deadline }: RequestOptions,
  ): Promise<boolean> {
    if (retry === false || deadline.aborted) return false;
    if (retry === 'unlessContent' && isContentFault(error)) return false;
    if (error instanceof ManagementRefusedError && error.refusal === 'credentials') {
      // Refused before anything was executed, so that even a write may be sent again.
      const date = response && headerOf(response, 'date');
      return headers !== undefined && this.#authentication.renew({ headers, apiCode: error.apiCode, date });
    }
    if (!isRetryable(route, error) || !this.#budget.spend()) return false;
    // A random pause, so that calls that failed together are not retried together.
    await pause(50 + Math.random() * 200, deadline).catch(() => undefined);
    return !deadline.aborted;
  }
}
