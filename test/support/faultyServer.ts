import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

const BODY = '{"statusCode":200,"message":"","data":{}}';
const HEAD = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;
const ENDLESS = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

/** What the server does with a request that it has read whole. */
const FAULTS = {
  answer: (socket) => socket.write(HEAD + BODY),
  answerAndClose: (socket) => socket.end(HEAD + BODY),
  answerTwice: (socket) => socket.write(HEAD + BODY + HEAD + BODY),
  answerAfterHints: (socket) =>
    socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n${HEAD}${BODY}`),
  reset: (socket) => socket.resetAndDestroy(),
  close: (socket) => socket.destroy(),
  /** Says that it will send nothing more, and goes on reading. */
  halfClose: (socket) => socket.end(),
  hang: () => undefined,
  hangInBody: (socket) => socket.write(HEAD + BODY.slice(0, 9)),
  /** A byte every 20 ms, for as long as somebody takes them. */
  drip: (socket) => {
    socket.write(ENDLESS);
    const timer = setInterval(() => socket.write('1\r\nx\r\n'), 20);
    socket.once('close', () => clearInterval(timer));
  },
  cutLength: (socket) => socket.end(HEAD + BODY.slice(0, 9)),
  cutChunk: (socket) => socket.end(`${ENDLESS}29\r\n${BODY.slice(0, 9)}`),
  /** Every byte of the body, but not the chunk that ends it. */
  cutLastChunk: (socket) => socket.end(`${ENDLESS}29\r\n${BODY}\r\n`),
  cutChunkOfClosing: (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n29\r\n${BODY.slice(0, 9)}`),
  resetInBody: (socket) => socket.write(HEAD + BODY.slice(0, 9), () => socket.resetAndDestroy()),
  /** Without a length only the end of the connection ends the body, so that nobody can tell that it was cut. */
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

/** A server of plain sockets on 127.0.0.1 that misbehaves as told, and remembers what reached it. */
export class FaultyServer {
  /** What becomes of the requests that arrive from now on. Default: `answer`. */
  fault: Fault = 'answer';
  /** Requests that arrived whole, head and body, in the order of arrival. */
  readonly requests: string[] = [];
  /** Connections that were ever accepted. */
  connections = 0;
  /** Of those, the ones that have ended on both sides. */
  disconnections = 0;
  /** Chosen at the start, and still the same after the end. */
  port = 0;
  readonly #open = new Set<Socket>();
  readonly #changes = new EventEmitter();
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));

  /** @param port Default: a free one. */
  static async start(port = 0): Promise<FaultyServer> {
    const server = new FaultyServer();
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server, 'listening');
    server.port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Waits until so many requests have arrived in all. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.#changes, 'change');
  }

  /** Waits until so many connections have ended in all. */
  async disconnected(count: number): Promise<void> {
    while (this.disconnections < count) await once(this.#changes, 'change');
  }

  /** Does to every open connection what a fault does to one that made a request. */
  inflict(fault: Fault): void {
    for (const socket of this.#open) FAULTS[fault](socket);
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    if (this.#server.listening) await once(this.#server, 'close');
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
    // With half-open sockets it is for the server to answer an end with an end.
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#open.delete(socket);
      this.disconnections++;
      this.#changes.emit('change');
    });
  }
}

/** @returns 0 while the text holds no whole request. */
function endOfRequest(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return text.length >= end ? end : 0;
}
