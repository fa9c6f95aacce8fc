import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { UnauthenticatedReason } from '../callers';

/** What is refused before GraphQL sees it, by status. The words are fixed: nothing of the request comes back. */
const REJECTIONS = {
  400: { code: 'BAD_REQUEST', message: 'The body must be one JSON object with a GraphQL document under "query".' },
  401: { code: 'UNAUTHENTICATED', message: 'The request does not show who is asking.' },
  404: { code: 'NOT_FOUND', message: 'There is nothing here. GraphQL is at /graphql.' },
  405: { code: 'METHOD_NOT_ALLOWED', message: 'GraphQL requests are sent by POST.', headers: { allow: 'POST' } },
  408: { code: 'BAD_REQUEST', message: 'The request took too long to arrive.' },
  // The connection ends, because more of the body may come.
  413: {
    code: 'PAYLOAD_TOO_LARGE',
    message: 'The body is larger than it may be.',
    headers: { connection: 'close' },
  },
  415: {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'The body must be sent as application/json.',
    headers: { connection: 'close' },
  },
  417: {
    code: 'BAD_REQUEST',
    message: 'No expectation but "100-continue" can be met.',
    headers: { connection: 'close' },
  },
  421: { code: 'BAD_REQUEST', message: 'Without authentication, this service answers to names of this machine only.' },
  431: { code: 'BAD_REQUEST', message: 'The header fields are larger than they may be.' },
  500: { code: 'INTERNAL_SERVER_ERROR', message: 'An internal error occurred.' },
} as const satisfies Record<number, { code: string; message: string; headers?: Record<string, string> }>;

type RejectionStatus = keyof typeof REJECTIONS;

/** Why nothing can be served at the moment (503). Whatever the reason, nothing was sent to GenAuth. */
const UNAVAILABLE = {
  OVERLOADED: 'Too many requests are being served. Try again later.',
  SHUTTING_DOWN: 'This process is about to end. Send the request again, on another connection.',
  KEYS_UNAVAILABLE: 'The keys of the token issuer are not available. Try again later.',
} as const;

type Unavailability = keyof typeof UNAVAILABLE;

const RETRY_AFTER = { 'retry-after': '1' };
const HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** A request is refused. Every refusal has the shape of a GraphQL answer, so that a client has one way to read them all. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
  readonly status: RejectionStatus | 503;
  /** As the caller is told. */
  readonly code: string;
  /** Why the caller is not known; the caller is not told. */
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

/** Of each connection the request that arrived last. Those before are answered before. */
const latest = new WeakMap<Duplex, { request: IncomingMessage; response: ServerResponse }>();

/**
 * Refuses what Node would refuse in its own words, or without any: what is not HTTP, tunnels, and expectations that nobody can
 * meet.
 */
export function rejectStrangeRequests(server: Server): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
    latest.set(request.socket, { request, response }),
  );
  server.on('clientError', rejectSocket);
  server.on('connect', (_request, socket) => {
    // Node has left this socket to us: its errors, and what still comes.
    socket.on('error', () => socket.destroy());
    socket.resume();
    rejectSocket({}, socket);
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    latest.set(request.socket, { request, response });
    const { status, headers, body } = new Rejection(417);
    response.writeHead(status, { ...headers, ...toBareHeaders(body) }).end(body);
  });
}

/** Refuses what is not HTTP enough to become a request, and hangs up. */
function rejectSocket(error: { code?: string }, socket: Duplex): void {
  const { request, response } = latest.get(socket) ?? {};
  const refuse = (): void => hangUp(socket, SOCKET_REJECTIONS[error.code ?? ''] ?? 400);
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

function hangUp(socket: Duplex, why: RejectionStatus | Unavailability): void {
  if (!socket.writable) return;
  const { status, headers, body } = new Rejection(why);
  const lines = Object.entries({ ...headers, ...toBareHeaders(body), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  // Nothing else ends the connection of a client that does not.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** For a client to read that it was refused. */
const LINGER_MS = 1_000;

/** What an answer has beside the headers of its own, where nothing else adds it. */
function toBareHeaders(body: string): Record<string, string> {
  return { 'cache-control': 'no-store', 'content-length': String(Buffer.byteLength(body)) };
}

const SOCKET_REJECTIONS: Readonly<Record<string, RejectionStatus | Unavailability>> = {
  SHUTTING_DOWN: 'SHUTTING_DOWN',
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};
