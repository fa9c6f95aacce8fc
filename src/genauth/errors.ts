import type { Route } from './api';

/** Why GenAuth refused. With each of these, nothing was executed. */
export type Refusal =
  /** GenAuth rejected the access key, signature or token: HTTP or envelope 401, or apiCode 1300-1305 and 2020. */
  | 'credentials'
  /** HTTP or envelope 429. */
  | 'rate_limited'
  /** Envelope 404, or apiCode 2004. */
  | 'not_found'
  /** Any other definite envelope: 400 402 403 409 413 422 499 501, or `data.success` false. */
  | 'rejected';

/** Why there is no usable response. */
export type Unreachability =
  | 'dns'
  | 'connection_refused'
  | 'connect_timeout'
  | 'tls'
  | 'reset'
  | 'closed'
  /** The attempt took longer than one attempt may. */
  | 'timeout'
  /** The deadline of the caller passed. */
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
  /** An envelope that proves nothing, such as 601 to 603: GenAuth's own call to an identity provider failed. */
  | 'upstream_unclear'
  | 'replayed'
  /** Not sent: too many calls are waiting, or the call waited too long. */
  | 'overloaded'
  /** Not sent: GenAuth asked for fewer calls. */
  | 'paused'
  /** Not sent: the circuit breaker is open, because most of the last calls failed. */
  | 'breaker_open';

/** Whether any byte of the request may have reached GenAuth. `no` proves that nothing was executed; `maybe` proves nothing. */
export type Sent = 'no' | 'maybe';

/**
 * A failed call to the management API. Messages never contain a host, a header, an id or GenAuth's text, so that they may be
 * logged. The request and its credentials cannot be reached from the error.
 */
export abstract class ManagementError extends Error {
  readonly route: Route;
  /** Number of requests that were sent, or may have been. */
  attempts = 0;

  constructor(message: string, route: Route, options?: ErrorOptions) {
    super(message, options);
    this.route = route;
  }
}

/** The apiCode that says that there is no such user. */
export const USER_NOT_FOUND = 2004;

/** GenAuth refused: nothing was executed. */
export class ManagementRefusedError extends ManagementError {
  override readonly name = 'ManagementRefusedError';
  readonly refusal: Refusal;
  readonly statusCode: number;
  /** An int32; null where GenAuth sent none, or anything else. */
  readonly apiCode: number | null;
  readonly requestId: string | null;
  /** Milliseconds to wait before a retry, if GenAuth sent them with a 429. */
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

/** Turns a refusal of a management token into one of the operation that needed the token: its credentials were refused. */
export function refusedToken(error: ManagementRefusedError): ManagementRefusedError {
  if (error.refusal === 'rate_limited') return error;
  const { route, statusCode, apiCode, requestId } = error;
  return new ManagementRefusedError(route, { refusal: 'credentials', statusCode, apiCode, requestId });
}

/** No usable response came. `sent` says whether the request may have been executed nevertheless. */
export class ManagementUnreachableError extends ManagementError {
  override readonly name = 'ManagementUnreachableError';
  readonly reason: Unreachability;
  readonly sent: Sent;
  /** Milliseconds after which a retry may succeed; null where that is not known. */
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

/** An argument that must not be signed. The message names the argument, never its value. */
export class InvalidArgumentError extends Error {
  override readonly name = 'InvalidArgumentError';
  readonly argument: string;

  constructor(argument: string, expectation: string) {
    super(`${argument} ${expectation}`);
    this.argument = argument;
  }
}
