import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection, Connections } from './connections';
import { Rejection, type RejectionKind } from './rejections';

const REJECTION_OF_ERROR: Readonly<Record<string, RejectionKind>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/**
 * Replaces Node's own responses to malformed, late and CONNECT requests by JSON rejections.
 *
 * @see https://nodejs.org/api/http.html#event-clienterror
 */
export function rejectMalformedRequests(server: Server, connections: Connections): void {
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket: Duplex) => {
    const connection = connections.find(socket);
    if (connection === null || code === 'ECONNRESET') socket.destroy();
    // Node applies the time limit for headers also to connections on which no request has begun. A pool keeps those open, and
    // would take a response for the one to its next request.
    else if (code !== 'ERR_HTTP_REQUEST_TIMEOUT' || connection.socket.bytesRead > 0) {
      rejectOnSocket(connection, REJECTION_OF_ERROR[code] ?? 400);
    }
  });
  server.on('connect', (_request, socket: Duplex) => {
    // Node has detached its parser and its error listener from this socket. Unread bytes would keep it open.
    socket.on('error', () => socket.destroy());
    socket.resume();
    const connection = connections.find(socket);
    if (connection !== null) rejectOnSocket(connection, 400);
  });
}

/**
 * Rejects bytes that are not a complete request, and closes the connection. Clients match responses to requests by order, so
 * the rejection waits for earlier responses, and is left out if the failed request already has a response.
 */
export function rejectOnSocket(connection: Connection, kind: RejectionKind): void {
  const { latest, socket, closing } = connection;
  const reject = (): void => writeRejection(connection, kind);
  if (latest === null) reject();
  else if (connection.lingering || (closing && latest.response.headersSent)) return;
  else if (!socket.writable) socket.destroy();
  else if (!latest.request.complete && isNext(latest.response)) reject();
  else if (!latest.request.complete) connection.linger();
  else if (latest.response.writableFinished) reject();
  else latest.response.once('finish', reject);
}

/** Whether a response is the next one on its connection, and has not begun. */
function isNext({ headersSent, socket }: ServerResponse): boolean {
  return !headersSent && socket !== null;
}

function writeRejection(connection: Connection, kind: RejectionKind): void {
  if (!connection.socket.writable) return;
  const { status, headers, body } = new Rejection(kind);
  const lines = Object.entries({
    ...headers,
    'cache-control': 'no-store',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  connection.linger();
}
