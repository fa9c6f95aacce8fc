import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import {
  type Authenticator,
  type Caller,
  KeysUnavailableError,
  UnauthenticatedError,
  type UnauthenticatedReason,
} from '../callers';
import type { Arrival, Context, GraphQLServer, HttpAnswer } from '../graphql';
import { isLoopback } from '../secureUrl';
import { negotiate } from './accept';
import { readAuditReason } from './auditReason';
import { BodyReader } from './body';
import type { Connection, Connections } from './connections';
import { InflateError } from './contentEncoding';
import { parseGraphQLRequest } from './graphqlRequest';
import type { Ide } from './ide';
import { Rejection } from './rejections';
import type { UnreadResponses } from './unreadResponses';

export interface RequestHandlerOptions {
  /** Must be started. */
  graphql: GraphQLServer;
  createContext: (arrival: Arrival) => Context;
  authenticator: Authenticator;
  /**
   * Whether `Host` must be a loopback name. Without authentication this keeps out web pages whose own host name was made to
   * resolve to this machine (DNS rebinding).
   */
  loopbackNamesOnly: boolean;
  /** Maximum number of GraphQL requests in flight. Further ones are rejected. */
  maxInFlight: number;
  /** The state of the shutdown. */
  shutdown: { readonly draining: boolean; readonly closing: boolean };
  /** Called with an unexpected error. The response says nothing about it. */
  onUnexpectedError: (error: unknown) => void;
  /** Called for every request that is rejected before GraphQL. */
  onRejection: (rejection: RejectionReport) => void;
}

export interface RejectionReport {
  requestId: string;
  status: number;
  /** The error code in the response. */
  code: string;
  /** Why authentication failed. Not part of the response. */
  reason: UnauthenticatedReason | null;
}

/** Whether a client waits for a response before it sends the body (`Expect`). */
export type Expectation = 'none' | 'continue' | 'unknown';

/** A request that is being served. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  connection: Connection;
  requestId: string;
  expectation: Expectation;
}

/** The rejections that close the connection if the rest of the body has not arrived: it would be read for nothing. */
const CLOSES_WHILE_SENDING: ReadonlySet<number> = new Set([413, 415, 417, 503]);

/** Responses that are larger are written in slices of this size, so that the progress of the client can be seen. */
const SLICE_BYTES = 64 * 1024;

/** Authenticates every request, then responds with GraphQL, a file of the IDE, or a JSON error. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #ide: Ide | null;
  readonly #connections: Connections;
  readonly #unread: UnreadResponses;
  readonly #bodies = new BodyReader();
  #inFlight = 0;
  #onIdle: () => void = () => undefined;
  #isClosing = false;

  constructor(options: RequestHandlerOptions, ide: Ide | null, connections: Connections, unread: UnreadResponses) {
    this.#options = options;
    this.#ide = ide;
    this.#connections = connections;
    this.#unread = unread;
  }

  /** The number of GraphQL requests that are executed, or whose response the client has not read. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Closes every connection after its last response. Resolves when no GraphQL request is in flight. A request whose client has
   * closed the connection counts, because it is executed to the end.
   */
  close(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  /** Responds to a request. Never throws. */
  async serve(request: IncomingMessage, response: ServerResponse, expectation: Expectation = 'none'): Promise<void> {
    const connection = this.#connections.receive(request, response);
    if (connection === null) return;
    const exchange: Exchange = { request, response, connection, requestId: requestIdOf(request), expectation };
    try {
      if (expectation === 'unknown') throw new Rejection(417);
      const caller = await this.#authenticate(request);
      this.#connections.authenticate(connection);
      const path = pathOf(request);
      if (path === '/graphql') await this.#serveGraphQL(exchange, caller);
      else await this.#servePage(exchange, path);
    } catch (error) {
      await this.#reject(exchange, error);
    }
  }

  /** Authenticates a request before any of its body is read, whatever its path. */
  #authenticate(request: IncomingMessage): Caller | Promise<Caller> {
    const { shutdown, loopbackNamesOnly, authenticator } = this.#options;
    if (shutdown.closing) throw new Rejection('SHUTTING_DOWN');
    const [host, ...otherHosts] = valuesOf(request, 'host');
    if (host === undefined || otherHosts.length > 0) throw new Rejection(400);
    if (loopbackNamesOnly && !isLoopback(host.replace(/:\d*$/, ''))) throw new Rejection(421);
    return authenticator.authenticate({
      routerAuthorization: valuesOf(request, 'router-authorization'),
      authorization: valuesOf(request, 'authorization'),
    });
  }

  async #servePage(exchange: Exchange, path: string): Promise<void> {
    const { method } = exchange.request;
    const isRead = method === 'GET' || method === 'HEAD';
    const page = isRead && this.#ide !== null ? await this.#ide(exchange.request, path) : null;
    if (page === null) throw new Rejection(404);
    await this.#send(exchange, page.status, Object.entries(page.headers), page.body);
  }

  async #serveGraphQL(exchange: Exchange, caller: Caller): Promise<void> {
    const { graphql, createContext, shutdown } = this.#options;
    const { request, response, requestId } = exchange;
    if (request.method !== 'POST') throw new Rejection(405);
    const auditReason = readAuditReason(request);
    const onAccepted = (): void => {
      if (exchange.expectation === 'continue') response.writeContinue();
    };
    const body = parseGraphQLRequest(await this.#bodies.read(request, onAccepted));
    // While the body arrived, the request may have been rejected on the socket: it must not be executed any more.
    if (shutdown.closing) throw new Rejection('SHUTTING_DOWN');
    if (!request.socket.writable) throw new Rejection(408);
    this.#admit();
    try {
      const { headers } = request;
      // Decided here, because Apollo Server negotiates after it has executed the operation.
      headers.accept = negotiate(headers.accept);
      const context = createContext({ caller, requestId, auditReason, ...readTrace(headers) });
      let result: HttpAnswer;
      try {
        result = await graphql.answer({ headers, body }, context);
      } finally {
        context.deadline.end();
      }
      await this.#send(exchange, result.status, result.headers, result.body);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#onIdle();
    }
  }

  /** Counts a request as in flight. From three quarters of the limit on, connections of slow readers make room. */
  #admit(): void {
    const { maxInFlight } = this.#options;
    if (this.#inFlight >= 0.75 * maxInFlight) this.#unread.makeRoom();
    if (this.#inFlight >= maxInFlight) throw new Rejection('OVERLOADED');
    this.#inFlight++;
  }

  async #reject(exchange: Exchange, error: unknown): Promise<void> {
    const { status, code, reason, headers, body } = this.#toRejection(error);
    const { request, connection, requestId } = exchange;
    this.#options.onRejection({ requestId, status, code, reason });
    const closes =
      (status === 401 && !connection.authenticated) || (!request.complete && CLOSES_WHILE_SENDING.has(status));
    await this.#send(exchange, status, Object.entries(headers), body, closes);
  }

  /** Resolves when the kernel has the response, or when the connection is closed. */
  async #send(
    { request, response, connection, requestId }: Exchange,
    status: number,
    headers: Iterable<readonly [name: string, value: string]>,
    body: string | Buffer | Readable,
    closes = false,
  ): Promise<void> {
    const lines = ['x-request-id', requestId];
    for (const [name, value] of headers) lines.push(name, value);
    // Only in the last response: after `connection: close` in an earlier one, Node would discard the later ones.
    const isLast = connection.latest?.request === request;
    if (isLast && (closes || connection.closing || this.#isClosing || this.#options.shutdown.draining)) {
      connection.closing = true;
      lines.push('connection', 'close');
    }
    let bytes = 0;
    if (!(body instanceof Readable)) {
      bytes = Buffer.byteLength(body);
      // Responses contain personal data.
      lines.push('cache-control', 'no-store', 'content-length', String(bytes));
    }
    response.writeHead(status, lines);
    // An error here means that the client has closed the connection.
    if (body instanceof Readable) pipeline(body, response, () => undefined);
    else writeSlices(body, response);
    await this.#unread.untilAccepted(connection, response, bytes);
  }

  #toRejection(error: unknown): Rejection {
    if (error instanceof Rejection) return error;
    if (error instanceof KeysUnavailableError) return new Rejection('KEYS_UNAVAILABLE');
    if (error instanceof InflateError) return new Rejection(error.reason === 'too_large' ? 413 : 400);
    if (error instanceof UnauthenticatedError) return new Rejection(401, error.reason);
    this.#options.onUnexpectedError(error);
    return new Rejection(500);
  }
}

/** Writes a body to the end, one slice after another. */
function writeSlices(body: string | Buffer, response: ServerResponse): void {
  if (body.length <= SLICE_BYTES) {
    response.end(body);
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  let at = 0;
  const writeMore = (): void => {
    while (bytes.length - at > SLICE_BYTES) {
      const slice = bytes.subarray(at, (at += SLICE_BYTES));
      if (response.write(slice)) continue;
      response.once('drain', writeMore);
      return;
    }
    response.end(bytes.subarray(at));
  };
  writeMore();
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Returns the router's `x-request-id` if it is safe to log, otherwise a new id. */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/**
 * Reads the trace of the router. An invalid one is ignored, also one whose ids are all zeros.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
function readTrace(headers: IncomingHttpHeaders): Pick<Arrival, 'traceId' | 'traceparent' | 'tracestate'> {
  const { traceparent, tracestate } = headers;
  const traceId = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent)?.[1] : undefined;
  if (traceId === undefined) return { traceId: null, traceparent: null, tracestate: null };
  return {
    traceId,
    traceparent: traceparent as string,
    tracestate: typeof tracestate === 'string' ? tracestate : null,
  };
}

/** Returns every value of a header. Node's `headers` has only the first value of some. @param name In lower case. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    if (given.length === name.length && given.toLowerCase() === name) values.push(rawHeaders[at + 1] as string);
  }
  return values;
}

/**
 * Returns the decoded path of a request, without host and query.
 *
 * @throws {Rejection} It cannot be decoded.
 */
function pathOf({ url = '' }: IncomingMessage): string {
  if (url === '/graphql') return url;
  try {
    return decodeURIComponent(/^(?:https?:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] ?? '');
  } catch {
    throw new Rejection(400);
  }
}
