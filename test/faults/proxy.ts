import { EventEmitter, once } from 'node:events';
import { request as forward } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { listen, stopListening } from '../support/listen';
import { endOfRequest } from '../support/rawHttp';

/** A complete request, as the proxy received it. */
export interface ProxiedRequest {
  method: string;
  /** Without the query. */
  path: string;
  /** Head and body, as they were sent. */
  text: string;
  /** Whether its connection had served a request before. */
  reused: boolean;
  /** Time of arrival, in milliseconds of `performance.now`. */
  at: number;
}

export interface ProxiedResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Writes a response to a socket. `response` is GenAuth's own, or `ACKNOWLEDGED` if the request was not forwarded. */
export type Respond = (socket: Socket, response: ProxiedResponse) => unknown;

/** Selects requests. `all` holds the request and those before it. */
export type Matches = (request: ProxiedRequest, all: readonly ProxiedRequest[]) => boolean;

interface Rule {
  matches: Matches;
  respond: Respond;
  executed: boolean;
  left: number;
}

/** The response to an unlink that was not forwarded. It must never be believed, because nothing was executed. */
const ACKNOWLEDGED: ProxiedResponse = {
  status: 200,
  headers: {},
  body: '{"statusCode":200,"message":"","data":{"success":true}}',
};

/** A proxy on plain sockets between the subgraph and the emulator. It records requests and replaces responses. */
export class FaultProxy {
  /** Complete requests, in the order of arrival. */
  readonly requests: ProxiedRequest[] = [];
  /** Requests that have arrived and have no response yet. */
  readonly inFlight = new Set<ProxiedRequest>();
  /** The proxy's own origin. */
  url = '';
  /** The origin to which requests are forwarded. */
  target = '';
  readonly #rules: Rule[] = [];
  readonly #open = new Set<Socket>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));

  static async start(): Promise<FaultProxy> {
    const proxy = new FaultProxy();
    proxy.url = `http://127.0.0.1:${await listen(proxy.#server)}`;
    return proxy;
  }

  /**
   * Replaces responses from now on. If several rules match a request, the latest applies.
   *
   * @param options.executed Default: false. Whether the request is forwarded, so that GenAuth executes it.
   * @param options.times Default: unlimited. Number of requests to which the rule applies.
   */
  inject(
    matches: Matches,
    respond: Respond,
    { executed = false, times = Infinity }: { executed?: boolean; times?: number } = {},
  ): void {
    this.#rules.unshift({ matches, respond, executed, left: times });
  }

  /** Delays GenAuth's responses to the requests that match. @returns A function that releases them. */
  hold(matches: Matches): () => void {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    this.inject(matches, async (socket, response) => released.then(() => write(socket, response)), { executed: true });
    return () => release();
  }

  /** Calls a listener for each request, once the request is in `requests` and `inFlight`. */
  onRequest(listener: (request: ProxiedRequest) => void): void {
    this.#changes.on('request', listener);
  }

  /** Waits until `count` requests that match have arrived in all. */
  async received(count: number, matches: Matches = () => true): Promise<void> {
    while (this.requests.filter((request) => matches(request, this.requests)).length < count)
      await once(this.#changes, 'request');
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await stopListening(this.#server);
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

  async #serve(socket: Socket, request: ProxiedRequest): Promise<void> {
    this.inFlight.add(request);
    const rule = this.#rules.find(({ matches, left }) => left > 0 && matches(request, this.requests));
    if (rule !== undefined) rule.left--;
    try {
      const response = rule?.executed === false ? ACKNOWLEDGED : await this.#forward(request);
      await (rule?.respond ?? write)(socket, response);
    } catch {
      socket.resetAndDestroy();
    }
    this.inFlight.delete(request);
  }

  #forward({ method, text }: ProxiedRequest): Promise<ProxiedResponse> {
    const [head = '', body = ''] = text.split('\r\n\r\n', 2);
    const [line = '', ...headers] = head.split('\r\n');
    return new Promise((resolve, reject) => {
      const outgoing = forward(new URL(line.split(' ')[1] ?? '', this.target), { method }, (incoming) => {
        let received = '';
        incoming.setEncoding('utf8').on('data', (part: string) => (received += part));
        incoming.on('end', () => {
          const { date = '', 'retry-after': retryAfter } = incoming.headers;
          const kept = { date, ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) };
          resolve({ status: incoming.statusCode ?? 0, headers: kept, body: received });
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

/** Writes a response unchanged. */
export function write(socket: Socket, { status, headers, body }: ProxiedResponse): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} Status\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${lines.join('')}\r\n`;
  socket.write(head + body);
}

function read(text: string, reused: boolean): ProxiedRequest {
  const [method = '', url = ''] = text.slice(0, text.indexOf('\r\n')).split(' ');
  return { method, path: url.split('?', 1)[0] ?? '', text, reused, at: performance.now() };
}
