import type { Route } from './api';

/** How GenAuth said no. Every one of these is certain: nothing was executed. */
export type Refusal =
  /** Our own access key, signature or token was not accepted: HTTP or envelope 401, or apiCode 1300-1305 and 2020. */
  | 'credentials'
  /** HTTP or envelope 429. */
  | 'rate_limited'
  /** Envelope 404, or apiCode 2004. */
  | 'not_found'
  /** Any other definite envelope: 400 402 403 409 413 422 499 501, or `data.success` false. */
  | 'rejected';

/** Why there is no usable answer. */
export type Unreachability =
  | 'dns'
  | 'connection_refused'
  | 'connect_timeout'
  | 'tls'
  | 'reset'
  | 'closed'
  /** The attempt took longer than an attempt may. */
  | 'timeout'
  /** Whoever asked stopped waiting. */
  | 'deadline'
  | 'protocol'
  | 'too_large'
  | 'redirect'
  | 'encoding'
  | 'http_error'
  | 'empty'
  | 'not_json'
  | 'shape'
  | 'mismatch'
  /** An envelope of 500, 502, 503 or 504: GenAuth failed. */
  | 'upstream_error'
  /** An envelope that is neither a yes nor a definite no, such as 601 to 603, where GenAuth's own calls to others failed. */
  | 'upstream_unclear'
  | 'replayed'
  /** Not sent, because too much is waiting here. */
  | 'overloaded'
  /** Not sent, because GenAuth asked for fewer calls. */
  | 'paused'
  /** Not sent, because most of the last calls failed. */
  | 'breaker_open';

/**
 * Whether any byte of the request may have reached GenAuth. `no` is proof that nothing was executed; `maybe` is not proof
 * of anything.
 */
export type Sent = 'no' | 'maybe';

/**
 * What every failed call to the management API has in common. Messages are our own words and never hold a host, a header,
 * an id or GenAuth's text, so that they may be logged; the request and its credentials are not reachable from here.
 */
export abstract class ManagementError extends Error {
  readonly route: Route;
  /** How many requests were sent, or may have been, before this was the end of it. */
  attempts = 0;

  constructor(message: string, route: Route, options?: ErrorOptions) {
    super(message, options);
    this.route = route;
  }
}

/** The apiCode that says that there is no such user. */
export const USER_NOT_FOUND = 2004;

/** GenAuth answered, and the answer is no. */
export class ManagementRefusedError extends ManagementError {
  override readonly name = 'ManagementRefusedError';
  readonly refusal: Refusal;
  readonly statusCode: number;
  /** An int32, or null where GenAuth gave none or something else. */
  readonly apiCode: number | null;
  readonly requestId: string | null;
  /** Milliseconds to wait before asking again, where GenAuth said so after a 429; else null. */
  readonly retryAfterMs: number | null;

  constructor(
    route: Route,
    answer: {
      refusal: Refusal;
      statusCode: number;
      apiCode?: number | null;
      requestId?: string | null;
      retryAfterMs?: number | null;
    },
  ) {
    super(`GenAuth refused ${route} with statusCode ${answer.statusCode} (${answer.refusal})`, route);
    this.refusal = answer.refusal;
    this.statusCode = answer.statusCode;
    this.apiCode = answer.apiCode ?? null;
    this.requestId = answer.requestId ?? null;
    this.retryAfterMs = answer.retryAfterMs ?? null;
  }

  /** Whether GenAuth says that the user does not exist. A 404 without this code may be about something else. */
  get isUserUnknown(): boolean {
    return this.apiCode === USER_NOT_FOUND;
  }
}

/** Whatever GenAuth minded about the request for a token, it says nothing of the operation that the token was for. */
export function refusedToken(error: ManagementRefusedError): ManagementRefusedError {
  if (error.refusal === 'rate_limited') return error;
  const { route, statusCode, apiCode, requestId } = error;
  return new ManagementRefusedError(route, { refusal: 'credentials', statusCode, apiCode, requestId });
}

/** No usable answer came. `sent` says whether the request may have been executed all the same. */
export class ManagementUnreachableError extends ManagementError {
  override readonly name = 'ManagementUnreachableError';
  readonly reason: Unreachability;
  readonly sent: Sent;
  /** Milliseconds after which another try has a chance; null where nothing can be said. */
  readonly retryAfterMs: number | null;

  constructor(
    route: Route,
    reason: Unreachability,
    sent: Sent,
    { retryAfterMs = null, ...options }: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(`no usable answer from GenAuth to ${route} (${reason}, sent: ${sent})`, route, options);
    this.reason = reason;
    this.sent = sent;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An argument that must not reach the signature. Says which, never what it was. */
export class InvalidArgumentError extends Error {
  override readonly name = 'InvalidArgumentError';
  readonly argument: string;

  constructor(argument: string, expectation: string) {
    super(`${argument} ${expectation}`);
    this.argument = argument;
  }
}
