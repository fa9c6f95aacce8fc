import type { UnauthenticatedReason } from '../callers';
import type { ErrorCode } from '../errorCodes';
import { ENCODINGS } from './contentEncoding';

interface RejectionSpec {
  status: number;
  code: ErrorCode;
  /** One error each. Fixed texts: no value of the request is repeated. */
  messages: readonly string[];
  headers?: Readonly<Record<string, string>>;
  /** Where sending the same request again can help: after how many milliseconds. */
  retryAfterMs?: number;
  /** Default: false, and the response says that nothing was executed. */
  mayHaveExecuted?: boolean;
}

const RETRY_AFTER_MS = 1_000;

/** The requests that never reach GraphQL: by status, or by code where a status has several. */
const REJECTIONS = {
  400: {
    status: 400,
    code: 'BAD_REQUEST',
    messages: ['The body must be one JSON object with a GraphQL document under "query".'],
  },
  AUDIT_REASON: {
    status: 400,
    code: 'BAD_REQUEST',
    messages: ['The header "x-audit-reason" must be percent-encoded text of at most 200 characters.'],
  },
  401: { status: 401, code: 'UNAUTHENTICATED', messages: ['The request has no valid credentials.'] },
  404: { status: 404, code: 'NOT_FOUND', messages: ['There is nothing here. GraphQL is at /graphql.'] },
  405: {
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    messages: ['GraphQL requests are sent by POST.'],
    headers: { allow: 'POST' },
  },
  408: { status: 408, code: 'BAD_REQUEST', messages: ['The request took too long to arrive.'] },
  413: { status: 413, code: 'PAYLOAD_TOO_LARGE', messages: ['The body is larger than the limit.'] },
  415: {
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
    messages: ['The body must be sent as application/json.'],
  },
  UNSUPPORTED_ENCODING: {
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
    messages: [`The content encoding must be one of ${ENCODINGS}, or none.`],
    headers: { 'accept-encoding': ENCODINGS },
  },
  417: { status: 417, code: 'BAD_REQUEST', messages: ['The only supported expectation is "100-continue".'] },
  421: { status: 421, code: 'BAD_REQUEST', messages: ['Without authentication, "Host" must be a loopback name.'] },
  431: { status: 431, code: 'BAD_REQUEST', messages: ['The header fields are larger than the limit.'] },
  500: {
    status: 500,
    code: 'INTERNAL_SERVER_ERROR',
    messages: ['An internal error occurred.'],
    mayHaveExecuted: true,
  },
  OVERLOADED: {
    status: 503,
    code: 'OVERLOADED',
    messages: ['Too many requests are being served. Try again later.'],
    retryAfterMs: RETRY_AFTER_MS,
  },
  SHUTTING_DOWN: {
    status: 503,
    code: 'SHUTTING_DOWN',
    messages: ['This process is shutting down. Send the request again on another connection.'],
    retryAfterMs: RETRY_AFTER_MS,
  },
  KEYS_UNAVAILABLE: {
    status: 503,
    code: 'KEYS_UNAVAILABLE',
    messages: ['The keys of the token issuer are not available. Try again later.'],
    retryAfterMs: RETRY_AFTER_MS,
  },
  // Both messages make a client send the document. Apollo Router stops sending hashes after the first; `@apollo/gateway` knows
  // the second only. https://www.apollographql.com/docs/apollo-server/performance/apq
  PERSISTED_QUERY_NOT_SUPPORTED: {
    status: 200,
    code: 'PERSISTED_QUERY_NOT_SUPPORTED',
    messages: ['PersistedQueryNotSupported', 'PersistedQueryNotFound'],
  },
} as const satisfies Record<string | number, RejectionSpec>;

export type RejectionKind = keyof typeof REJECTIONS;

/** Rejects a whole request. The body has the shape of a GraphQL response, so that clients need one parser for both. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
  readonly status: number;
  /** The error code in the response. */
  readonly code: ErrorCode;
  /** Why authentication failed. Logged, and not part of the response. */
  readonly reason: UnauthenticatedReason | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;

  constructor(kind: RejectionKind, reason: UnauthenticatedReason | null = null) {
    super(String(kind));
    const { status, code, messages, headers, retryAfterMs, mayHaveExecuted }: RejectionSpec = REJECTIONS[kind];
    const extensions = {
      code,
      ...(mayHaveExecuted === true ? {} : { outcome: 'NOT_EXECUTED' }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
    this.status = status;
    this.code = code;
    this.reason = reason;
    this.headers = {
      'content-type': 'application/json; charset=utf-8',
      ...headers,
      ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
    };
    this.body = JSON.stringify({ errors: messages.map((message) => ({ message, extensions })) });
  }
}
