import { gzipSync } from 'node:zlib';
import { type Spoil, write } from './wire';

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const PAGE = '<html><head><title>Oops</title></head></html>';

const half = (body: string): string => body.slice(0, body.length >> 1);
const headOf = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;

export const reset: Spoil = (socket) => socket.resetAndDestroy();
export const end: Spoil = (socket) => socket.end();
export const hang: Spoil = () => undefined;
export const resetInBody: Spoil = (socket, { body }) =>
  socket.write(headOf(body) + half(body), () => socket.resetAndDestroy());
export const endInBody: Spoil = (socket, { body }) => socket.end(headOf(body) + half(body));
export const endInChunk: Spoil = (socket, { body }) =>
  socket.end(`${CHUNKED}${body.length.toString(16)}\r\n${half(body)}`);
/** Without a length only the end of the connection ends the body, so that nothing but the JSON tells that it was cut. */
export const cutUnmeasured: Spoil = (socket, { body }) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${half(body)}`);
export const hangInBody: Spoil = (socket, { body }) => socket.write(headOf(body) + half(body));
/** White space in front of the JSON, which is part of it, for as long as somebody takes it. */
export const drip: Spoil = (socket) => {
  socket.write(CHUNKED);
  const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('1\r\n \r\n')), 20);
};
export const garbage: Spoil = (socket) => socket.write('220 mail.example ESMTP\r\n');
export const twoLengths: Spoil = (socket, { body }) =>
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\ncontent-length: 3\r\n\r\n${body}`);
export const hugeHeader: Spoil = (socket, answer) =>
  write(socket, { ...answer, headers: { 'x-padding': 'x'.repeat(70_000) } });
export const noContent: Spoil = (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n');
export const gzip: Spoil = (socket, { body }) => {
  const packed = gzipSync(body);
  socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`);
  socket.write(packed);
};
/** White space behind the JSON is part of it, so that only the size is wrong. */
export const oversized: Spoil = (socket, answer) =>
  write(socket, { ...answer, body: answer.body + ' '.repeat(4 * 1024 * 1024) });

/** An answer that is not GenAuth's. */
export function http(status: number, body: string = PAGE, headers: Record<string, string> = {}): Spoil {
  return (socket) => write(socket, { status, headers, body });
}

/** A redirect whose body is all that one could wish for. */
export function redirect(status: number): Spoil {
  return (socket, { body }) => write(socket, { status, headers: { location: '/elsewhere' }, body });
}

/** An envelope that is not 200, as GenAuth sends it: under HTTP 200. */
export function envelope(statusCode: number, apiCode?: number, headers: Record<string, string> = {}): Spoil {
  return http(200, JSON.stringify({ statusCode, message: 'no', apiCode, requestId: 'r-1' }), headers);
}

/** GenAuth's own answer, changed as text. */
export function text(change: (body: string) => string): Spoil {
  return (socket, answer) => write(socket, { ...answer, body: change(answer.body) });
}

/** GenAuth's own answer, changed as an envelope. */
export function json(change: (envelope: Record<string, unknown> & { data: never }) => unknown): Spoil {
  return text((body) => JSON.stringify(change(JSON.parse(body) as never)));
}
