import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { Rejection, type RejectionStatus, type Unavailability } from './rejections';

/** Milliseconds from a rejection on a socket until the socket is destroyed, if the client does not close it. */
const LINGER_MS = 1_000;

const REJECTION_OF_ERROR: Readonly<Record<string, RejectionStatus | Unavailability>> = {
  SHUTTING_DOWN: 'SHUTTING_DOWN',
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** The latest request of each connection. HTTP/1.1 responds to earlier ones first. */
const latest = new WeakMap<Duplex, { request: IncomingMessage; response: ServerResponse }>();

/**
 * Replaces Node's own responses to malformed requests, CONNECT and unknown expectations by JSON rejections.
 *
 * @see https://nodejs.org/api/http.html#event-clienterror
 */
export function rejectMalformedRequests(server: Server): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
    latest.set(request.socket, { request, response }),
  );
  server.on('clientError', rejectOnSocket);
  server.on('connect', (_request, socket) => {
    // Node has detached its parser and its error listener from this socket. Unread bytes would keep it open.
    socket.on('error', () => socket.destroy());
    socket.resume();
    rejectOnSocket({}, socket);
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    latest.set(request.socket, { request, response });
    const { status, headers, body } = new Rejection(417);
    response.writeHead(status, { ...headers, ...headersOf(body) }).end(body);
  });
}

/** Rejects a request that has not arrived completely when the process shuts down, and closes the connection. */
export function rejectIncomplete(socket: Socket): void {
  rejectOnSocket({ code: 'SHUTTING_DOWN' }, socket);
  if (!socket.writable) socket.destroySoon();
}

/**
 * Rejects bytes that are not a request, and closes the connection. Clients match responses to requests by order, so the
 * rejection waits for earlier responses, and is left out if the failed request already has a response.
 */
function rejectOnSocket(error: { code?: string }, socket: Duplex): void {
  const { request, response } = latest.get(socket) ?? {};
  const reject = (): void => writeRejection(socket, REJECTION_OF_ERROR[error.code ?? ''] ?? 400);
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (request === undefined || response === undefined) reject();
  else if (!request.complete && isNext(response)) reject();
  else if (!request.complete) socket.destroy();
  else if (response.writableFinished) reject();
  else response.once('finish', reject);
}

/** Whether a response is the next one on its connection, and has not begun. */
function isNext({ headersSent, socket }: ServerResponse): boolean {
  return !headersSent && socket !== null;
}

function writeRejection(socket: Duplex, why: RejectionStatus | Unavailability): void {
  if (!socket.writable) return;
  const { status, headers, body } = new Rejection(why);
  const lines = Object.entries({ ...headers, ...headersOf(body), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** The headers of a rejection that `RequestHandler` would add. */
function headersOf(body: string): Record<string, string> {
  return { 'cache-control': 'no-store', 'content-length': String(Buffer.byteLength(body)) };
}
