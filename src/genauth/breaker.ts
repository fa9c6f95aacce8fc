import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ExponentialBackoff,
  halfJitterGenerator,
  handleWhen,
  type IBackoff,
  SamplingBreaker,
} from 'cockatiel';
import { isContentFault, ManagementRefusedError, ManagementUnreachableError, type Unreachability } from './errors';

/** Opens when half of at least 20 calls within 10 s failed. */
const SAMPLING = { threshold: 0.5, duration: 10_000, minimumRps: 2 };

/** Pauses before a probe. The default generator of the library would come down to some milliseconds. */
const PROBE_BACKOFF = new ExponentialBackoff({
  initialDelay: 1_000,
  maxDelay: 15_000,
  generator: halfJitterGenerator,
});

/** Milliseconds after which to try again while a probe is in progress, because it is not known when the probe ends. */
const PROBING_MS = 1_000;

/** A larger step of the wall clock is not one of the usual corrections by a time service. */
const MAX_CLOCK_STEP_MS = 5_000;

/** Failures before anything was sent that GenAuth or the way to it has caused. */
const FAILURES: ReadonlySet<Unreachability> = new Set(['dns', 'connection_refused', 'connect_timeout', 'tls']);

/**
 * A circuit breaker. While it is open, it rejects all calls, because half of the last ones failed. After a pause, one call
 * probes whether GenAuth is back. Meanwhile the breaker is half-open, and rejects all other calls.
 *
 * Connection faults, timeouts, HTTP errors above 500 and envelopes of 502 to 504 are failures. Responses that the data of one
 * user can cause are not (`isContentFault`).
 */
export class Breaker {
  #probeDueAt = 0;
  #clockOffset = clockOffset();
  #policyOrNone: CircuitBreakerPolicy | undefined;

  /**
   * The breaker of the library, which measures time by the wall clock. If the wall clock has been set, it could stay open for
   * hours: a new, closed one takes its place.
   */
  get #policy(): CircuitBreakerPolicy {
    const offset = clockOffset();
    if (this.#policyOrNone === undefined || Math.abs(offset - this.#clockOffset) > MAX_CLOCK_STEP_MS) {
      this.#clockOffset = offset;
      this.#policyOrNone = circuitBreaker(
        handleWhen((error) => this.#isFailure(error)),
        {
          breaker: new SamplingBreaker(SAMPLING),
          halfOpenAfter: { next: () => this.#noteDue(PROBE_BACKOFF.next()) },
        },
      );
    }
    return this.#policyOrNone;
  }

  get state(): 'closed' | 'open' | 'half_open' {
    const { state } = this.#policy;
    return state === CircuitState.Open ? 'open' : state === CircuitState.HalfOpen ? 'half_open' : 'closed';
  }

  /** Milliseconds after which a call may be admitted again; 0 if the breaker is closed. */
  get retryAfterMs(): number {
    if (this.state === 'closed') return 0;
    return this.state === 'open' ? Math.max(1, this.#probeDueAt - Date.now()) : PROBING_MS;
  }

  /** Whether a call would be rejected now. A call that would be rejected need not wait for its turn. */
  get isRejecting(): boolean {
    const { state } = this;
    return state === 'half_open' || (state === 'open' && Date.now() < this.#probeDueAt);
  }

  /**
   * Makes a call and learns from how it ends.
   *
   * @throws {BrokenCircuitError} The call was rejected.
   */
  async execute<Result>(call: () => Promise<Result>): Promise<Result> {
    // The library would let other calls wait for the result of a probe.
    if (this.isRejecting) throw new BrokenCircuitError();
    return this.#policy.execute(call);
  }

  /** Notes when the next probe is due. The library does not report it, but asks for each pause when the pause begins. */
  #noteDue(backoff: IBackoff<unknown>): IBackoff<unknown> {
    this.#probeDueAt = Date.now() + backoff.duration;
    return { duration: backoff.duration, next: (context) => this.#noteDue(backoff.next(context)) };
  }

  /** Whether an error counts. Half-open, every error without a complete response counts: the probe did not succeed. */
  #isFailure(error: unknown): boolean {
    if (isContentFault(error)) return false;
    if (this.state === 'half_open') return !(error instanceof ManagementRefusedError);
    return error instanceof ManagementUnreachableError && (FAILURES.has(error.reason) || error.sent === 'maybe');
  }
}

/** The wall clock without the time that has passed. It changes only if the wall clock is set. */
function clockOffset(): number {
  return Date.now() - performance.now();
}
