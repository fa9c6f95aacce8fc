import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ExponentialBackoff,
  halfJitterGenerator,
  handleWhen,
  type IBackoff,
  SamplingBreaker,
} from 'cockatiel';
import { ManagementRefusedError, ManagementUnreachableError, type Unreachability } from './errors';

/** Opens when half of at least 20 calls within 10 s failed. */
const SAMPLING = { threshold: 0.5, duration: 10_000, minimumRps: 2 };

/** Pauses before a probe. The default generator of the library would come down to some milliseconds. */
const PROBE_BACKOFF = new ExponentialBackoff({
  initialDelay: 1_000,
  maxDelay: 15_000,
  generator: halfJitterGenerator,
});

/** Failures before anything was sent that GenAuth or the way to it has caused. */
const FAILURES: ReadonlySet<Unreachability> = new Set(['dns', 'connection_refused', 'connect_timeout', 'tls']);

/**
 * The circuit breaker of all calls: open, it rejects calls, because most of the last ones failed. Then one call at a time is
 * a probe of whether GenAuth is back; meanwhile the breaker is half-open, and rejects all other calls.
 */
export class Breaker {
  #probeDueAt = 0;
  readonly #policy = circuitBreaker(
    handleWhen((error) => this.#isFailure(error)),
    {
      breaker: new SamplingBreaker(SAMPLING),
      halfOpenAfter: { next: () => this.#noteDue(PROBE_BACKOFF.next()) },
    },
  );

  get state(): 'closed' | 'open' | 'half_open' {
    const { state } = this.#policy;
    return state === CircuitState.Open ? 'open' : state === CircuitState.HalfOpen ? 'half_open' : 'closed';
  }

  /** Whether a call would be rejected now: asked before a call waits for its turn, which would be in vain. */
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

  /** The library tells nobody when the next probe is due, but asks for each pause when it begins. */
  #noteDue(backoff: IBackoff<unknown>): IBackoff<unknown> {
    this.#probeDueAt = Date.now() + backoff.duration;
    return { duration: backoff.duration, next: (context) => this.#noteDue(backoff.next(context)) };
  }

  /** Whether an error counts. Half-open, every error but a refusal counts: the probe did not succeed. */
  #isFailure(error: unknown): boolean {
    if (this.state === 'half_open') return !(error instanceof ManagementRefusedError);
    return error instanceof ManagementUnreachableError && (FAILURES.has(error.reason) || error.sent === 'maybe');
  }
}
