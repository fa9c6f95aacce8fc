import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

/** What is refused before GraphQL sees it, by status. The words are fixed: nothing of the request comes back. */
const REJECTIONS = {
  400: { code: 'BAD_REQUEST', message: 'The body must be one JSON object with a GraphQL document under "query".' },
  404: { code: 'NOT_FOUND', message: 'There is nothing here. GraphQL is at /graphql.' },
  405: { code: 'METHOD_NOT_ALLOWED', message: 'GraphQL requests are sent by POST.' },
  408: { code: 'BAD_REQUEST', message: 'The request took too long to arrive.' },
  413: { code: 'PAYLOAD_TOO_LARGE', message: 'The body is larger than it may be.' },
  415: { code: 'UNSUPPORTED_MEDIA_TYPE', message: 'The body must be sent as application/json.' },
  431: { code: 'BAD_REQUEST', message: 'The header fields are larger than they may be.' },
  500: { code: 'INTERNAL_SERVER_ERROR', message: 'An internal error occurred.' },
} as const;

export type RejectionStatus = keyof typeof REJECTIONS;

export function isRejectionStatus(status: number | undefined): status is RejectionStatus {
  return status !== undefined && Object.hasOwn(REJECTIONS, status);
}

/** Refuses a request. Every refusal has the shape of a GraphQL answer, so that a client has one way to read them all. */
export function reject(reply: FastifyReply, status: RejectionStatus): FastifyReply {
  return reply
    .code(status)
    .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    .send(body(status));
}

/** Refuses what is not HTTP enough to become a request, and hangs up. */
export function rejectSocket(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = SOCKET_STATUS[error.code ?? ''] ?? 400;
  const text = body(status);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'content-type: application/json; charset=utf-8\r\ncache-control: no-store\r\nconnection: close\r\n' +
      `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

const SOCKET_STATUS: Readonly<Record<string, RejectionStatus>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

function body(status: RejectionStatus): string {
  const { code, message } = REJECTIONS[status];
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}
