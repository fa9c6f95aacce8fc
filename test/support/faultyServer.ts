import { EventEmitter, once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { listen, stopListening } from './listen';
import { endOfRequest } from './rawHttp';

const BODY = '{"statusCode":200,"message":"","data":{}}';
const HEAD = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;
const ENDLESS = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

/** What the server does after it has read a complete request. */
const FAULTS = {
  answer: (socket) => socket.write(HEAD + BODY),
  answerAndClose: (socket) => socket.end(HEAD + BODY),
  answerTwice: (socket) => socket.write(HEAD + BODY + HEAD + BODY),
  answerAfterHints: (socket) =>
    socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n${HEAD}${BODY}`),
  reset: (socket) => socket.resetAndDestroy(),
  close: (socket) => socket.destroy(),
  /** Ends its own side of the connection and keeps reading. */
  halfClose: (socket) => socket.end(),
  hang: () => undefined,
  hangInBody: (socket) => socket.write(HEAD + BODY.slice(0, 9)),
  /** Sends one byte every 20 ms, until the client closes the connection. */
  drip: (socket) => {
    socket.write(ENDLESS);
    const timer = setInterval(() => socket.write('1\r\nx\r\n'), 20);
    socket.once('close', () => clearInterval(timer));
  },
  cutLength: (socket) => socket.end(HEAD + BODY.slice(0, 9)),
  cutChunk: (socket) => socket.end(`${ENDLESS}29\r\n${BODY.slice(0, 9)}`),
  /** Sends every byte of the body, but not the chunk that ends it. */
  cutLastChunk: (socket) => socket.end(`${ENDLESS}29\r\n${BODY}\r\n`),
  cutChunkOfClosing: (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n29\r\n${BODY.slice(0, 9)}`),
  resetInBody: (socket) => socket.write(HEAD + BODY.slice(0, 9), () => socket.resetAndDestroy()),
  /** Without a length, the end of the connection ends the body, so that the truncation cannot be detected. */
  cutUnmeasured: (socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${BODY.slice(0, 9)}`),
  garbage: (socket) => socket.write('220 mail.example ESMTP\r\n'),
  twoLengths: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}}'),
  hugeHeader: (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nx-padding: ${'x'.repeat(70_000)}\r\ncontent-length: 0\r\n\r\n`),
  gzip: (socket) => socket.write(`${HEAD.replace('\r\n\r\n', '\r\ncontent-encoding: gzip\r\n\r\n')}${BODY}`),
  redirect: (socket) =>
    socket.write('HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n'),
  empty: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
  noContent: (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
  repeatedHeader: (socket) =>
    socket.write('HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nRetry-After: 9\r\ncontent-length: 0\r\n\r\n'),
  fourMebibytes: (socket) => socket.write(bodyOf(4 * 1024 * 1024)),
  overFourMebibytes: (socket) => socket.write(bodyOf(4 * 1024 * 1024 + 1)),
  overFourMebibytesInChunks: (socket) =>
    socket.write(`${ENDLESS}400001\r\n${'x'.repeat(4 * 1024 * 1024 + 1)}\r\n0\r\n\r\n`),
} satisfies Record<string, (socket: Socket) => unknown>;

function bodyOf(length: number): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${'x'.repeat(length)}`;
}

export type Fault = keyof typeof FAULTS;

/** A server of plain sockets on 127.0.0.1. It answers every request with the fault that is set, and records requests. */
export class FaultyServer {
  /** Default: `answer`. The fault of the requests that arrive from now on. */
  fault: Fault = 'answer';
  /** Complete requests, head and body, in the order of arrival. */
  readonly requests: string[] = [];
  /** Number of connections accepted so far. */
  connections = 0;
  /** Number of connections that have ended on both sides. */
  disconnections = 0;
  /** Set at the start, and kept after `close`. */
  port = 0;
  readonly #open = new Set<Socket>();
  readonly #changes = new EventEmitter();
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));

  /** @param port Default: a free port. */
  static async start(port = 0): Promise<FaultyServer> {
    const server = new FaultyServer();
    server.port = await listen(server.#server, port);
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Waits until `count` requests have arrived in all. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.#changes, 'change');
  }

  /** Waits until `count` connections have ended in all. */
  async disconnected(count: number): Promise<void> {
    while (this.disconnections < count) await once(this.#changes, 'change');
  }

  /** Applies a fault to every open connection at once. */
  inflict(fault: Fault): void {
    for (const socket of this.#open) FAULTS[fault](socket);
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await stopListening(this.#server);
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.#open.add(socket);
    let unread = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      unread += text;
      for (let end = endOfRequest(unread); end > 0; end = endOfRequest(unread)) {
        this.requests.push(unread.slice(0, end));
        unread = unread.slice(end);
        FAULTS[this.fault](socket);
        this.#changes.emit('change');
      }
    });
    // With `allowHalfOpen`, the server has to end its own side.
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#open.delete(socket);
      this.disconnections++;
      this.#changes.emit('change');
    });
  }
}
