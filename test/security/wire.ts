import { connect } from 'node:net';

/** An answer as it came over the socket. */
export interface WireAnswer {
  status: number;
  /** Names in lower case. Of repeated ones the last. */
  headers: ReadonlyMap<string, string>;
  body: string;
}

/**
 * Sends bytes as they are, and reads until the other side hangs up: the way to say what no HTTP client would.
 *
 * @returns Every answer, in their order.
 */
export async function send(origin: string, bytes: string | Buffer): Promise<WireAnswer[]> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer);
  } catch (error) {
    // Whoever refuses without reading may reset what is still on its way; what was answered before is there.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET' && (error as NodeJS.ErrnoException).code !== 'EPIPE')
      throw error;
  }
  return readAnswers(Buffer.concat(chunks));
}

function readAnswers(bytes: Buffer): WireAnswer[] {
  const answers: WireAnswer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const end = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const bodyEnd = end + 4 + Number(headers.get('content-length') ?? 0);
    answers.push({
      status: Number(statusLine.split(' ')[1]),
      headers,
      body: rest.subarray(end + 4, bodyEnd).toString('utf8'),
    });
    rest = rest.subarray(bodyEnd);
  }
  return answers;
}

/** Writes a request after which the connection ends. `headers` are whole lines, `host` and `content-length` apart. */
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
