import type { UnauthenticatedReason } from '../callers';

/** The requests that never reach GraphQL, by status. The texts are fixed: no value of the request is repeated. */
const REJECTIONS = {
  400: { code: 'BAD_REQUEST', message: 'The body must be one JSON object with a GraphQL document under "query".' },
  401: { code: 'UNAUTHENTICATED', message: 'The request has no valid credentials.' },
  404: { code: 'NOT_FOUND', message: 'There is nothing here. GraphQL is at /graphql.' },
  405: { code: 'METHOD_NOT_ALLOWED', message: 'GraphQL requests are sent by POST.', headers: { allow: 'POST' } },
  408: { code: 'BAD_REQUEST', message: 'The request took too long to arrive.' },
  // The connection ends, because the rest of the body may still arrive.
  413: {
    code: 'PAYLOAD_TOO_LARGE',
    message: 'The body is larger than the limit.',
    headers: { connection: 'close' },
  },
  415: {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'The body must be sent as application/json.',
    headers: { connection: 'close' },
  },
  417: {
    code: 'BAD_REQUEST',
    message: 'The only supported expectation is "100-continue".',
    headers: { connection: 'close' },
  },
  421: { code: 'BAD_REQUEST', message: 'Without authentication, "Host" must be a loopback name.' },
  431: { code: 'BAD_REQUEST', message: 'The header fields are larger than the limit.' },
  500: { code: 'INTERNAL_SERVER_ERROR', message: 'An internal error occurred.' },
} as const satisfies Record<number, { code: string; message: string; headers?: Record<string, string> }>;

export type RejectionStatus = keyof typeof REJECTIONS;

/** The reasons for a 503. In every case nothing was sent to GenAuth. */
const UNAVAILABLE = {
  OVERLOADED: 'Too many requests are being served. Try again later.',
  SHUTTING_DOWN: 'This process is shutting down. Send the request again on another connection.',
  KEYS_UNAVAILABLE: 'The keys of the token issuer are not available. Try again later.',
} as const;

export type Unavailability = keyof typeof UNAVAILABLE;

const RETRY_AFTER = { 'retry-after': '1' };
const HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Rejects a whole request. The body has the shape of a GraphQL response, so that clients need one parser for both. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
  readonly status: RejectionStatus | 503;
  /** The error code in the response. */
  readonly code: string;
  /** Why authentication failed. Logged, and not part of the response. */
  readonly reason: UnauthenticatedReason | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;

  constructor(why: RejectionStatus | Unavailability, reason: UnauthenticatedReason | null = null) {
    super(String(why));
    const { code, message, headers }: { code: string; message: string; headers?: Record<string, string> } =
      typeof why === 'number' ? REJECTIONS[why] : { code: why, message: UNAVAILABLE[why], headers: RETRY_AFTER };
    this.status = typeof why === 'number' ? why : 503;
    this.code = code;
    this.reason = reason;
    this.headers = { ...HEADERS, ...headers };
    this.body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  }
}
