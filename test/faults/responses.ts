import { gzipSync } from 'node:zlib';
import { type Respond, write } from './proxy';

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const PAGE = '<html><head><title>Oops</title></head></html>';

const half = (body: string): string => body.slice(0, body.length >> 1);
const headOf = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;

export const reset: Respond = (socket) => socket.resetAndDestroy();
export const end: Respond = (socket) => socket.end();
export const hang: Respond = () => undefined;
export const resetInBody: Respond = (socket, { body }) =>
  socket.write(headOf(body) + half(body), () => socket.resetAndDestroy());
export const endInBody: Respond = (socket, { body }) => socket.end(headOf(body) + half(body));
export const endInChunk: Respond = (socket, { body }) =>
  socket.end(`${CHUNKED}${body.length.toString(16)}\r\n${half(body)}`);
/** Without a length, the end of the connection ends the body: only the incomplete JSON shows that bytes are missing. */
export const cutUnmeasured: Respond = (socket, { body }) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${half(body)}`);
export const hangInBody: Respond = (socket, { body }) => socket.write(headOf(body) + half(body));
/** White space before the JSON belongs to it: one byte every 20 ms, until the client closes the connection. */
export const drip: Respond = (socket) => {
  socket.write(CHUNKED);
  const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('1\r\n \r\n')), 20);
};
export const garbage: Respond = (socket) => socket.write('220 mail.example ESMTP\r\n');
export const twoLengths: Respond = (socket, { body }) =>
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\ncontent-length: 3\r\n\r\n${body}`);
export const hugeHeader: Respond = (socket, response) =>
  write(socket, { ...response, headers: { 'x-padding': 'x'.repeat(70_000) } });
export const noContent: Respond = (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n');
export const gzip: Respond = (socket, { body }) => {
  const packed = gzipSync(body);
  socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`);
  socket.write(packed);
};
/** White space after the JSON belongs to it, so that only the size is wrong. */
export const oversized: Respond = (socket, response) =>
  write(socket, { ...response, body: response.body + ' '.repeat(4 * 1024 * 1024) });

/** A response of a proxy or a load balancer in front of GenAuth. Its body is an HTML page by default. */
export function http(status: number, body: string = PAGE, headers: Record<string, string> = {}): Respond {
  return (socket) => write(socket, { status, headers, body });
}

/** A redirect whose body is GenAuth's valid response. */
export function redirect(status: number): Respond {
  return (socket, { body }) => write(socket, { status, headers: { location: '/elsewhere' }, body });
}

/** An envelope with an error code under HTTP 200, which is how GenAuth sends errors. */
export function envelope(statusCode: number, apiCode?: number, headers: Record<string, string> = {}): Respond {
  return http(200, JSON.stringify({ statusCode, message: 'no', apiCode, requestId: 'r-1' }), headers);
}

/** GenAuth's own response with its text changed. */
export function text(change: (body: string) => string): Respond {
  return (socket, response) => write(socket, { ...response, body: change(response.body) });
}

/** GenAuth's own response with its envelope changed. */
export function json(change: (envelope: Record<string, unknown> & { data: never }) => unknown): Respond {
  return text((body) => JSON.stringify(change(JSON.parse(body) as never)));
}

/** GenAuth's own response to a batch of users with its rows changed. */
export function batch(change: (rows: Record<string, unknown>[]) => unknown[]): Respond {
  return json((body) => ({ ...body, data: change(body.data) }));
}

/** GenAuth's own response with a list in place of an object, or an object in place of a list. */
export const wrongShape: Respond = json(({ data, ...rest }) => ({
  ...rest,
  data: Array.isArray(data) ? (data as unknown[])[0] : [data],
}));
