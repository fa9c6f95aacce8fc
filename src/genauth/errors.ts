import type { Route } from './api';

/** Why GenAuth refused. With each of these, nothing was executed. */
export type Refusal =
  /** GenAuth rejected the access key, signature or token: HTTP or envelope 401, or apiCode 1300-1305 and 2020. */
  | 'credentials'
  /** HTTP or envelope 429. */
  | 'rate_limited'
  /** apiCode 2004: there is no such user. */
  | 'not_found'
  /** Any other definite envelope: 400 402 403 404 409 413 422 499 501, or `data.success` false. */
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
  /** HTTP 501 or higher, from GenAuth or from a proxy in front of it. */
  | 'http_error'
  /** HTTP 4xx without an envelope, for example from a proxy. */
  | 'http_rejected'
  | 'empty'
  | 'not_json'
  | 'shape'
  | 'mismatch'
  /** HTTP or envelope 500. The data of one user can be the reason. */
  | 'internal_error'
  /** An envelope of 502, 503 or 504: GenAuth is not available. */
  | 'upstream_error'
  /**
   * An envelope that proves nothing, such as 601 to 603: GenAuth's own call to an identity provider failed. Or an HTTP 404
   * without an envelope: the route is missing, or a proxy rejected the request.
   */
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

/**
 * The reasons that the data of one user can cause. They do not show that GenAuth is unavailable, so that they never open the
 * circuit breaker.
 */
const CONTENT_FAULTS: ReadonlySet<Unreachability> = new Set([
  'too_large',
  'redirect',
  'encoding',
  'http_rejected',
  'empty',
  'not_json',
  'shape',
  'mismatch',
  'internal_error',
  'upstream_unclear',
]);

/** Whether GenAuth responded, but refused or gave an unusable response, for a reason that the data of one user can cause. */
export function isContentFault(error: unknown): boolean {
  if (error instanceof ManagementRefusedError) return error.refusal === 'not_found' || error.refusal === 'rejected';
  return error instanceof ManagementUnreachableError && error.sent === 'maybe' && CONTENT_FAULTS.has(error.reason);
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
  /** Milliseconds after which the same request may succeed: after a 429. Null if sending it again cannot help. */
  retryAfterMs: number | null;

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

  /** Whether GenAuth says that the user does not exist. A 404 without apiCode 2004 may be about something else. */
  get isUserUnknown(): boolean {
    return this.refusal === 'not_found';
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
  /** Milliseconds after which the same request may succeed. Null if sending it again cannot help. */
  retryAfterMs: number | null;

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
