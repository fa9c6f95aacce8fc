import { connect } from 'node:net';

/** A response, as it was read from the socket. */
export interface RawResponse {
  status: number;
  /** Names in lower case. Of a repeated header, the last value. */
  headers: ReadonlyMap<string, string>;
  body: string;
}

/**
 * Sends bytes that an HTTP client would not send, and reads until the server closes the connection.
 *
 * @returns Every response, in order.
 */
export async function send(origin: string, bytes: string | Buffer): Promise<RawResponse[]> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer);
  } catch (error) {
    // A server that rejects a request without reading it may reset the connection after its response.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET' && (error as NodeJS.ErrnoException).code !== 'EPIPE')
      throw error;
  }
  return readResponses(Buffer.concat(chunks));
}

function readResponses(bytes: Buffer): RawResponse[] {
  const responses: RawResponse[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const end = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const bodyEnd = end + 4 + Number(headers.get('content-length') ?? 0);
    responses.push({
      status: Number(statusLine.split(' ')[1]),
      headers,
      body: rest.subarray(end + 4, bodyEnd).toString('utf8'),
    });
    rest = rest.subarray(bodyEnd);
  }
  return responses;
}

/** Writes a request with `connection: close`. `headers` are whole lines, without `host` and `content-length`. */
export function request(
  target: string,
  headers: readonly string[],
  body = '{"query":"{ __typename }"}',
  method = 'POST',
): string {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'host: subgraph',
    'connection: close',
    ...headers,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export const JSON_TYPE = 'content-type: application/json';

/** Returns the length of the first complete request in a text, or 0 if the text holds none. */
export function endOfRequest(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return text.length >= end ? end : 0;
}
