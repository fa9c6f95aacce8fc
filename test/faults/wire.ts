import { EventEmitter, once } from 'node:events';
import { request as forward } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A request as it came in, whole. */
export interface WireRequest {
  method: string;
  /** Without the query. */
  path: string;
  /** Head and body, as they were sent. */
  text: string;
  /** Whether its connection had served a request before. */
  reused: boolean;
  /** When it had arrived, in milliseconds of `performance.now`. */
  at: number;
}

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Answers a request in some way that is not GenAuth's. `answer` is what GenAuth said, or would have said. */
export type Spoil = (socket: Socket, answer: WireAnswer) => unknown;

interface Rule {
  meets: (request: WireRequest) => boolean;
  spoil: Spoil;
  executed: boolean;
  left: number;
}

/** What an unlink that never reached GenAuth is answered with, before it is spoiled: a yes that must not be believed. */
const YES: WireAnswer = { status: 200, headers: {}, body: '{"statusCode":200,"message":"","data":{"success":true}}' };

/** The way between the subgraph and the emulator, on plain sockets: counts what passes, and spoils what is to be spoiled. */
export class Wire {
  /** Requests that arrived whole, in the order of arrival. */
  readonly requests: WireRequest[] = [];
  /** Requests that have arrived and are not answered. */
  readonly underWay = new Set<WireRequest>();
  /** Where requests are forwarded to. */
  target = '';
  readonly #rules: Rule[] = [];
  readonly #open = new Set<Socket>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));

  static async start(): Promise<Wire> {
    const wire = new Wire();
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * Spoils answers from now on. Of several rules that meet a request the latest takes effect.
   *
   * @param options.executed Whether GenAuth gets the request all the same. Default: it does not.
   * @param options.times How many requests it meets. Default: all.
   */
  spoil(
    meets: Rule['meets'],
    spoil: Spoil,
    { executed = false, times = Infinity }: { executed?: boolean; times?: number } = {},
  ): void {
    this.#rules.unshift({ meets, spoil, executed, left: times });
  }

  /** Calls a listener with each request, when it has arrived and those that are under way are known. */
  onRequest(listener: (request: WireRequest) => void): void {
    this.#changes.on('request', listener);
  }

  /** Waits until so many requests have arrived that are of a kind. */
  async received(count: number, meets: Rule['meets'] = () => true): Promise<void> {
    while (this.requests.filter(meets).length < count) await once(this.#changes, 'request');
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#open.add(socket);
    let unread = '';
    let served = 0;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      unread += text;
      for (let end = endOfRequest(unread); end > 0; end = endOfRequest(unread)) {
        const request = read(unread.slice(0, end), served++ > 0);
        unread = unread.slice(end);
        this.requests.push(request);
        void this.#serve(socket, request);
        this.#changes.emit('request', request);
      }
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
  }

  async #serve(socket: Socket, request: WireRequest): Promise<void> {
    this.underWay.add(request);
    const rule = this.#rules.find(({ meets, left }) => left > 0 && meets(request));
    if (rule !== undefined) rule.left--;
    try {
      const answer = rule?.executed === false ? YES : await this.#forward(request);
      await (rule?.spoil ?? write)(socket, answer);
    } catch {
      socket.resetAndDestroy();
    }
    this.underWay.delete(request);
  }

  #forward({ method, text }: WireRequest): Promise<WireAnswer> {
    const [head = '', body = ''] = text.split('\r\n\r\n', 2);
    const [line = '', ...headers] = head.split('\r\n');
    return new Promise((resolve, reject) => {
      const outgoing = forward(new URL(line.split(' ')[1] ?? '', this.target), { method }, (incoming) => {
        let answered = '';
        incoming.setEncoding('utf8').on('data', (part: string) => (answered += part));
        incoming.on('end', () => {
          const { date = '', 'retry-after': retryAfter } = incoming.headers;
          const kept = { date, ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) };
          resolve({ status: incoming.statusCode ?? 0, headers: kept, body: answered });
        });
      });
      for (const header of headers) {
        const [name = '', value = ''] = header.split(/: ?(.*)/s, 2);
        if (!/^(host|connection)$/i.test(name)) outgoing.setHeader(name, value);
      }
      outgoing.on('error', reject).end(body, 'latin1');
    });
  }
}

/** Writes an answer as it is. */
export function write(socket: Socket, { status, headers, body }: WireAnswer): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} Status\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${lines.join('')}\r\n`;
  socket.write(head + body);
}

function read(text: string, reused: boolean): WireRequest {
  const [method = '', url = ''] = text.slice(0, text.indexOf('\r\n')).split(' ');
  return { method, path: url.split('?', 1)[0] ?? '', text, reused, at: performance.now() };
}

/** @returns 0 while the text holds no whole request. */
function endOfRequest(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return text.length >= end ? end : 0;
}
