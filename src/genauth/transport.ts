import { type Dispatcher, Pool, errors } from 'undici';
import type { Deadline } from '../deadline';
import type { Sent, Unreachability } from './errors';
import { FREE_BYTES, ReceiveBudget } from './receiveBudget';

/** An HTTP request to GenAuth. */
export interface WireRequest {
  method: 'GET' | 'POST';
  /** Path and query. */
  path: string;
  /** Names and values alternate. */
  headers: string[];
  body: string | null;
}

/** A complete HTTP response of GenAuth. */
export interface WireResponse {
  status: number;
  /** Names are in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** A request that got no complete response. */
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
  /** Milliseconds for DNS, TCP and TLS together. */
  connectTimeoutMs: number;
  /** Maximum number of sockets. Further requests queue; the wait counts against their timeout. */
  maxConnections: number;
}

export interface SendLimits {
  timeoutMs: number;
  deadline: Deadline;
  maxBytes?: number | undefined;
}

/**
 * Sends requests to GenAuth and receives the responses. Every failure says whether any byte of the request may have arrived.
 *
 * It follows no redirect, decompresses nothing, and retries nothing.
 */
export interface Transport {
  /**
   * Sends one request and collects its response.
   *
   * @param limits.timeoutMs Covers everything: waiting for a socket, connecting, sending, and receiving to the last byte.
   * @param limits.deadline Ends the request early, in any phase.
   * @param limits.maxBytes Default: 4 MiB. A body that is larger is not received.
   * @throws {TransportError}
   */
  send(request: WireRequest, limits: SendLimits): Promise<WireResponse>;
  close(): Promise<void>;
}

/** Default maximum of a body. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

export function createTransport(options: TransportOptions): Transport {
  const pool = new Pool(options.origin, {
    connections: options.maxConnections,
    pipelining: 1,
    connect: { timeout: options.connectTimeoutMs },
    // `Collector` has one timer for the whole request. undici's timers are idle timers: every byte resets them.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Shorter than the idle time of servers and load balancers, so that no socket is used that they are about to close.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 30_000,
  });
  const budget = new ReceiveBudget();
  return {
    send: (request, limits) =>
      new Promise((resolve, reject) => new Collector(resolve, reject, limits, budget).start(pool, request)),
    close: () => pool.destroy(),
  };
}

/** One request in progress. It settles its promise once: at the end, at the first failure, or after the timeout. */
class Collector implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #sent: Sent = 'no';
  #settled = false;
  #status = 0;
  #headers: IncomingHeaders = {};
  readonly #chunks: Buffer[] = [];
  #received = 0;
  #release: (() => void) | undefined;
  readonly #resolve: (response: WireResponse) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #deadline: Deadline;
  readonly #maxBytes: number;
  readonly #budget: ReceiveBudget;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => {
    this.#fail(new TransportError('deadline', this.#sent));
  };

  constructor(
    resolve: (response: WireResponse) => void,
    reject: (error: TransportError) => void,
    limits: SendLimits,
    budget: ReceiveBudget,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadline = limits.deadline;
    this.#maxBytes = limits.maxBytes ?? MAX_BODY_BYTES;
    this.#budget = budget;
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

  /** Called by undici with a connected socket, right before it writes: until here, nothing was sent. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) {
      // Thrown, because `abort` would close the connection, which can still be used.
      throw new Error('given up before it was sent');
    }
    this.#controller = controller;
    this.#sent = 'maybe';
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    this.#status = status;
    this.#headers = headers;
    const length = Number(headers['content-length']);
    if (length > this.#maxBytes) this.#failTooLarge();
    else if (length > FREE_BYTES) this.#reserve(length, controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // Data that was parsed already can follow a failure.
    if (this.#settled) return;
    this.#received += chunk.length;
    if (this.#received > this.#maxBytes) return this.#failTooLarge();
    this.#chunks.push(chunk);
    // The response has no `content-length`, so that the maximum is reserved.
    if (this.#received > FREE_BYTES && this.#release === undefined) this.#reserve(this.#maxBytes, controller);
  }

  /** Stops reading from the socket until there is memory for the response. */
  #reserve(bytes: number, controller: Dispatcher.DispatchController): void {
    let isGranted = false;
    let isPaused = false;
    this.#release = this.#budget.reserve(bytes, () => {
      isGranted = true;
      if (!isPaused) return;
      // Later, because undici may be parsing the response whose end made room, and it parses one response at a time.
      queueMicrotask(() => this.#settled || controller.resume());
    });
    if (isGranted) return;
    isPaused = true;
    controller.pause();
  }

  #failTooLarge(): void {
    this.#fail(new TransportError('too_large', this.#sent));
  }

  onResponseEnd(): void {
    if (!this.#settle()) return;
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(new TransportError(reasonOf(error), this.#sent, { cause: error }));
  }

  #fail(error: TransportError): void {
    if (!this.#settle()) return;
    this.#reject(error);
    // This closes the socket, too: a late response must not be taken for that of the next request.
    this.#controller?.abort(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#deadline.removeEventListener('abort', this.#onAbort);
    this.#release?.();
    return true;
  }
}

/** Returns the value of a header; the first one where the header is repeated. */
export function headerOf({ headers }: WireResponse, name: string): string | undefined {
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

/** Returns the code of an error. Where a host has several addresses, Node wraps an error for each: the first one decides. */
function codeOf(error: Error): string {
  const { code, errors: each } = error as Error & { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  const first: unknown = Array.isArray(each) ? each[0] : undefined;
  return first instanceof Error ? codeOf(first) : '';
}
