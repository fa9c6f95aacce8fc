import { type Dispatcher, Pool, errors } from 'undici';
import type { Deadline } from '../deadline';
import type { Sent, Unreachability } from './errors';

/** A request as it goes out. */
export interface WireRequest {
  method: 'GET' | 'POST';
  /** Path and query. */
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: string | null;
}

/** An answer as it came in, whole. */
export interface Exchange {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** The request failed on the way. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly reason: Unreachability;
  readonly sent: Sent;

  constructor(reason: Unreachability, sent: Sent, options?: ErrorOptions) {
    super(`${reason}, sent: ${sent}`, options);
    this.reason = reason;
    this.sent = sent;
  }
}

export interface TransportOptions {
  /** Where GenAuth is, such as `https://api.genauth.ai`. */
  origin: string;
  /** Milliseconds for name look-up, TCP and TLS together. */
  connectTimeoutMs: number;
  /** Sockets at most. Whatever is more waits, at the cost of its own time. */
  maxConnections: number;
}

/**
 * Carries bytes to GenAuth and back, and says of every failure whether any of them may have arrived.
 *
 * Follows no redirect, inflates nothing, repeats nothing.
 */
export interface Transport {
  /**
   * Sends one request and collects its answer.
   *
   * @param limits.timeoutMs For all of it: waiting for a socket, connecting, sending, and the answer to its last byte.
   * @param limits.deadline Ends it early, whatever it is doing.
   * @throws {TransportError}
   */
  exchange(request: WireRequest, limits: { timeoutMs: number; deadline: Deadline }): Promise<Exchange>;
  close(): Promise<void>;
}

/** More than any answer of the API: 50 users of a hundred identities are about 2 MiB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export function createTransport(options: TransportOptions): Transport {
  const pool = new Pool(options.origin, {
    connections: options.maxConnections,
    pipelining: 1,
    connect: { timeout: options.connectTimeoutMs },
    maxResponseSize: MAX_BODY_BYTES,
    // One timer of our own covers the whole exchange. undici's are idle timers: a byte now and then resets them.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Shorter than any server's or balancer's: a socket that the other side is about to close is not picked up.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 30_000,
  });
  return {
    exchange: (request, limits) =>
      new Promise((resolve, reject) => new Collector(resolve, reject, limits).start(pool, request)),
    close: () => pool.destroy(),
  };
}

/** One exchange under way: settles its promise once, at the end, at the first failure, or when its time is up. */
class Collector implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #sent: Sent = 'no';
  #settled = false;
  #status = 0;
  #headers: IncomingHeaders = {};
  readonly #chunks: Buffer[] = [];
  readonly #resolve: (exchange: Exchange) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #deadline: Deadline;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => {
    this.#fail(new TransportError('deadline', this.#sent));
  };

  constructor(
    resolve: (exchange: Exchange) => void,
    reject: (error: TransportError) => void,
    limits: { timeoutMs: number; deadline: Deadline },
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadline = limits.deadline;
    this.#timer = setTimeout(() => this.#fail(new TransportError('timeout', this.#sent)), limits.timeoutMs);
    this.#deadline.addEventListener('abort', this.#onAbort, { once: true });
  }

  start(pool: Pool, request: WireRequest): void {
    if (this.#deadline.aborted) return this.#onAbort();
    try {
      pool.dispatch(request, this);
    } catch (error) {
      this.onResponseError(undefined, error as Error);
    }
  }

  /** undici calls this when it has a connected socket and is about to write: the last moment at which nothing is sent. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) {
      // Thrown, because `abort` would end the connection, which has done nothing wrong.
      throw new Error('given up before it was sent');
    }
    this.#controller = controller;
    this.#sent = 'maybe';
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#settle()) return;
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    // What waited for the answer may be old by now (decision 0015).
    this.#chunks.length = 0;
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(new TransportError(reasonOf(error), this.#sent, { cause: error }));
  }

  #fail(error: TransportError): void {
    if (!this.#settle()) return;
    this.#reject(error);
    // Ends the socket too: its answer, if one is still to come, must not meet the next request.
    this.#controller?.abort(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#deadline.removeEventListener('abort', this.#onAbort);
    return true;
  }
}

/** Of a repeated header the first value. */
export function headerOf({ headers }: Exchange, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

type IncomingHeaders = Record<string, string | string[] | undefined>;

const REASONS: Readonly<Record<string, Unreachability>> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ECONNREFUSED: 'connection_refused',
  EHOSTUNREACH: 'connection_refused',
  ENETUNREACH: 'connection_refused',
  EADDRNOTAVAIL: 'connection_refused',
  ETIMEDOUT: 'connect_timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'closed',
  UND_ERR_CLOSED: 'closed',
  UND_ERR_DESTROYED: 'closed',
  UND_ERR_HEADERS_OVERFLOW: 'protocol',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'protocol',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'too_large',
};

const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO|CRL_)/;

function reasonOf(error: Error): Unreachability {
  const code = codeOf(error);
  const known = REASONS[code];
  if (known !== undefined) return known;
  if (TLS.test(code)) return 'tls';
  if (error instanceof errors.HTTPParserError || code.startsWith('HPE_')) return 'protocol';
  return 'closed';
}

/** With several addresses to try, Node wraps one error for each: they agree, or the first tells enough. */
function codeOf(error: Error): string {
  const { code, errors: each } = error as Error & { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  const first: unknown = Array.isArray(each) ? each[0] : undefined;
  return first instanceof Error ? codeOf(first) : '';
}
