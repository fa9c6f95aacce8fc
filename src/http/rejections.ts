import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyReply } from 'fastify';

interface Rejection {
  code: string;
  message: string;
}

/** What is refused before GraphQL sees it, by status. The words are fixed: nothing of the request comes back. */
const REJECTIONS = {
  400: { code: 'BAD_REQUEST', message: 'The body must be one JSON object with a GraphQL document under "query".' },
  401: { code: 'UNAUTHENTICATED', message: 'The request does not show who is asking.' },
  404: { code: 'NOT_FOUND', message: 'There is nothing here. GraphQL is at /graphql.' },
  405: { code: 'METHOD_NOT_ALLOWED', message: 'GraphQL requests are sent by POST.' },
  408: { code: 'BAD_REQUEST', message: 'The request took too long to arrive.' },
  413: { code: 'PAYLOAD_TOO_LARGE', message: 'The body is larger than it may be.' },
  415: { code: 'UNSUPPORTED_MEDIA_TYPE', message: 'The body must be sent as application/json.' },
  417: { code: 'BAD_REQUEST', message: 'No expectation but "100-continue" can be met.' },
  421: { code: 'BAD_REQUEST', message: 'Without authentication, this service answers to names of this machine only.' },
  431: { code: 'BAD_REQUEST', message: 'The header fields are larger than they may be.' },
  500: { code: 'INTERNAL_SERVER_ERROR', message: 'An internal error occurred.' },
} as const satisfies Record<number, Rejection>;

export type RejectionStatus = keyof typeof REJECTIONS;

/** Why nothing can be served at the moment. Whatever the reason, nothing was sent to GenAuth. */
const UNAVAILABLE = {
  OVERLOADED: 'Too many requests are being served. Try again later.',
  SHUTTING_DOWN: 'This process is about to end. Send the request again, on another connection.',
  KEYS_UNAVAILABLE: 'The keys of the token issuer are not available. Try again later.',
} as const;

export type Unavailability = keyof typeof UNAVAILABLE;

const RETRY_AFTER_S = 1;

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

export function isRejectionStatus(status: number | undefined): status is RejectionStatus {
  return status !== undefined && Object.hasOwn(REJECTIONS, status);
}

/** Refuses a request. Every refusal has the shape of a GraphQL answer, so that a client has one way to read them all. */
export function reject(reply: FastifyReply, status: RejectionStatus): FastifyReply;
export function reject(reply: FastifyReply, status: 503, code: Unavailability): FastifyReply;
export function reject(reply: FastifyReply, status: RejectionStatus | 503, code?: Unavailability): FastifyReply {
  if (code !== undefined) void reply.header('retry-after', RETRY_AFTER_S);
  const rejection = status === 503 ? unavailable(code ?? 'OVERLOADED') : REJECTIONS[status];
  reply.rejection = rejection.code;
  return reply.code(status).headers(HEADERS).send(toBody(rejection));
}

/** Of each connection the request that arrived last. Those before are answered before. */
const latest = new WeakMap<Duplex, { request: IncomingMessage; response: ServerResponse }>();

/**
 * Refuses what Node would refuse in its own words, or without any: tunnels, and expectations that nobody can meet. What is
 * not HTTP enough to become a request is for `rejectSocket`.
 */
export function rejectStrangeRequests(server: Server): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
    latest.set(request.socket, { request, response }),
  );
  server.on('connect', (_request, socket) => hangUp(socket, 400));
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = toBody(REJECTIONS[417]);
    response.writeHead(417, { ...HEADERS, connection: 'close', 'content-length': Buffer.byteLength(body) }).end(body);
  });
}

/** Refuses what is not HTTP enough to become a request, and hangs up. */
export function rejectSocket(error: { code?: string }, socket: Duplex): void {
  const { request, response } = latest.get(socket) ?? {};
  const refuse = (): void => hangUp(socket, SOCKET_STATUS[error.code ?? ''] ?? 400);
  // The client takes the refusal for the answer to whatever is not answered yet: it must be what is refused.
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (request === undefined || response === undefined) refuse();
  else if (!request.complete && isNext(response)) refuse();
  else if (!request.complete) socket.destroy();
  else if (response.writableFinished) refuse();
  else response.once('finish', refuse);
}

/** Refuses what has not arrived whole when the process closes, and hangs up without waiting for the client to do so, too. */
export function rejectUnarrived(socket: Socket): void {
  rejectSocket({ code: 'SHUTTING_DOWN' }, socket);
  if (!socket.writable) socket.destroySoon();
}

/** Whether nothing was answered yet, and nothing else is to be answered before. */
function isNext({ headersSent, socket }: ServerResponse): boolean {
  return !headersSent && socket !== null;
}

function hangUp(socket: Duplex, status: RejectionStatus | 503): void {
  if (!socket.writable) return;
  const body = toBody(status === 503 ? unavailable('SHUTTING_DOWN') : REJECTIONS[status]);
  const retryAfter = status === 503 ? { 'retry-after': RETRY_AFTER_S } : {};
  const headers = { ...HEADERS, ...retryAfter, connection: 'close', 'content-length': Buffer.byteLength(body) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

const SOCKET_STATUS: Readonly<Record<string, RejectionStatus | 503>> = {
  SHUTTING_DOWN: 503,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

function unavailable(code: Unavailability): Rejection {
  return { code, message: UNAVAILABLE[code] };
}

function toBody({ code, message }: Rejection): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}
