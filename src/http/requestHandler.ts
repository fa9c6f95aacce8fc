import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import {
  type Authenticator,
  type Caller,
  KeysUnavailableError,
  UnauthenticatedError,
  type UnauthenticatedReason,
} from '../callers';
import type { Arrival, Context, GraphQLServer } from '../graphql';
import { isLoopback } from '../secureUrl';

import { readGraphQLRequest } from './body';
import type { Ide } from './ide';
import { Rejection } from './rejections';

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
  leaving: { readonly draining: boolean; readonly closing: boolean };
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

interface Answer {
  status: number;
  headers: Iterable<readonly [name: string, value: string]>;
  body: string | Buffer | Readable;
}

/** Authenticates every request, then responds with GraphQL, a file of the IDE, or a JSON error. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #ide: Ide | null;
  #inFlight = 0;
  #onIdle: () => void = () => undefined;
  #isClosing = false;

  constructor(options: RequestHandlerOptions, ide: Ide | null) {
    this.#options = options;
    this.#ide = ide;
  }

  /** The number of GraphQL requests that are being served. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Makes every response end its connection. Resolves when no GraphQL request is in flight. Requests whose clients have
   * closed the connection count: they are executed to the end.
   */
  close(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  /** Responds to a request. Never throws. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = requestIdOf(request);
    try {
      const caller = await this.#authenticate(request);
      const answer = await this.#answer(request, requestId, caller);
      this.#send(response, requestId, answer);
    } catch (error) {
      const { status, code, reason, headers, body } = this.#toRejection(error);
      this.#options.onRejection({ requestId, status, code, reason });
      this.#send(response, requestId, { status, headers: Object.entries(headers), body });
    }
  }

  /** Authenticates a request before any of its body is read, whatever its path. */
  #authenticate(request: IncomingMessage): Caller | Promise<Caller> {
    const { leaving, loopbackNamesOnly, authenticator } = this.#options;
    if (leaving.closing) throw new Rejection('SHUTTING_DOWN');
    const [host, ...otherHosts] = valuesOf(request, 'host');
    if (host === undefined || otherHosts.length > 0) throw new Rejection(400);
    if (loopbackNamesOnly && !isLoopback(host.replace(/:\d*$/, ''))) throw new Rejection(421);
    return authenticator.authenticate({
      routerAuthorization: valuesOf(request, 'router-authorization'),
      authorization: valuesOf(request, 'authorization'),
    });
  }

  #answer(request: IncomingMessage, requestId: string, caller: Caller): Promise<Answer> {
    const path = pathOf(request);
    return path === '/graphql' ? this.#answerGraphQL(request, requestId, caller) : this.#answerPage(request, path);
  }

  async #answerPage(request: IncomingMessage, path: string): Promise<Answer> {
    const page = request.method === 'GET' && this.#ide !== null ? await this.#ide(request, path) : null;
    if (page === null) throw new Rejection(404);
    return { ...page, headers: Object.entries(page.headers) };
  }

  async #answerGraphQL(request: IncomingMessage, requestId: string, caller: Caller): Promise<Answer> {
    const { graphql, createContext, maxInFlight, leaving } = this.#options;
    if (request.method !== 'POST') throw new Rejection(405);
    const body = await readGraphQLRequest(request);
    // While the body arrived, the request may have been rejected on the socket: it must not be executed any more.
    if (leaving.closing) throw new Rejection('SHUTTING_DOWN');
    if (!request.socket.writable) throw new Rejection(408);
    if (this.#inFlight >= maxInFlight) throw new Rejection('OVERLOADED');
    const { headers } = request;
    const traceparent = textOrNull(headers['traceparent']);
    const tracestate = textOrNull(headers['tracestate']);
    const context = createContext({ caller, requestId, traceId: traceIdOf(traceparent), traceparent, tracestate });
    this.#inFlight++;
    try {
      return await graphql.answer({ headers, body }, context);
    } finally {
      this.#inFlight--;
      context.deadline.end();
      if (this.#inFlight === 0) this.#onIdle();
    }
  }

  #send(response: ServerResponse, requestId: string, { status, headers, body }: Answer): void {
    const lines = ['x-request-id', requestId];
    for (const [name, value] of headers) lines.push(name, value);
    if (this.#isClosing || this.#options.leaving.draining) lines.push('connection', 'close');
    if (body instanceof Readable) {
      // An error here means that the client has closed the connection.
      pipeline(body, response.writeHead(status, lines), () => undefined);
    } else {
      // Responses contain personal data.
      lines.push('cache-control', 'no-store', 'content-length', String(Buffer.byteLength(body)));
      response.writeHead(status, lines).end(body);
    }
  }

  #toRejection(error: unknown): Rejection {
    if (error instanceof Rejection) return error;
    if (error instanceof KeysUnavailableError) return new Rejection('KEYS_UNAVAILABLE');
    if (error instanceof UnauthenticatedError) return new Rejection(401, error.reason);
    this.#options.onUnexpectedError(error);
    return new Rejection(500);
  }
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The router's `x-request-id` if it is safe to log, otherwise a new id. */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** @see https://www.w3.org/TR/trace-context/#traceparent-header */
function traceIdOf(traceparent: string | null): string | null {
  return traceparent === null ? null : (TRACEPARENT.exec(traceparent)?.[1] ?? null);
}

function textOrNull(header: string | string[] | undefined): string | null {
  return typeof header === 'string' ? header : null;
}

/** Every value of a header. `headers` has only the first value of some. @param name In lower case. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    if (given.length === name.length && given.toLowerCase() === name) values.push(rawHeaders[at + 1] as string);
  }
  return values;
}

/**
 * The decoded path of a request, without host and query.
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
