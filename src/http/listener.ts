import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  type Authenticator,
  type Caller,
  KeysUnavailableError,
  UnauthenticatedError,
  type UnauthenticatedReason,
} from '../callers';
import type { Arrival, Context, GraphQLRequest, GraphQLServer } from '../graphql';
import { type IdeWindow, serveIde } from './ide';
import { isRejectionStatus, reject, rejectSocket, rejectStrangeRequests, rejectUnarrived } from './rejections';

export interface ListenerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Started. */
  graphql: GraphQLServer;
  createContext: (arrival: Arrival) => Context;
  authenticator: Authenticator;
  /**
   * Whether the request must call this machine by a name that only it can have: where nobody is authenticated, a web page
   * whose name was made to lead here is the stranger to keep out.
   */
  loopbackNamesOnly: boolean;
  /** GraphQL requests served at once; more are refused. */
  maxInFlight: number;
  /** Whether the process is about to leave. */
  leaving: { readonly draining: boolean; readonly closing: boolean };
  /** What the IDE at `/` opens with. Null: no IDE. */
  ide: readonly IdeWindow[] | null;
  /** Called with an error that nobody foresaw; the caller is told nothing of it. */
  onUnexpectedError: (error: unknown) => void;
  /** Called for every request that GraphQL never saw. */
  onRejection: (rejection: RejectionReport) => void;
}

export interface RejectionReport {
  requestId: string;
  status: number;
  /** As the caller was told. */
  code: string;
  /** Why the caller is not known; the caller is not told. */
  reason: UnauthenticatedReason | null;
}

export interface Listener {
  /** The origin that it listens at, such as `http://127.0.0.1:4001`. */
  url: string;
  /** GraphQL requests that are being served. */
  inFlight(): number;
  /** Takes no more connections, and resolves when the requests under way are answered. */
  close(): Promise<void>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until the request is authenticated. */
    caller: Caller | null;
    unauthenticatedReason: UnauthenticatedReason | null;
  }
  interface FastifyReply {
    /** What a refused request was told. */
    rejection: string | null;
  }
}

const MAX_BODY_BYTES = 256 * 1024;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Longer than the pools of routers keep a connection: it is they who end it, between two requests. */
const KEEP_ALIVE_MS = 75_000;
/** For a request to arrive whole; routers send it at once. */
const ARRIVAL_MS = { headers: 10_000, all: 15_000 };
const MAX_CONNECTIONS = 4_096;

/** Opens the GraphQL listener: `POST /graphql` with a JSON body, JSON in every answer, and nothing at all for strangers. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { leaving, onUnexpectedError, onRejection } = options;
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: ARRIVAL_MS.all,
    http: {
      headersTimeout: ARRIVAL_MS.headers,
      // Node looks every 30 s unless told otherwise, and lets that much more time pass.
      connectionsCheckingInterval: 1_000,
      // Node's own refusal has no body; ours is below.
      requireHostHeader: false,
    },
    // Ours has its own answer for that.
    return503OnClosing: false,
    genReqId: requestIdOf,
    clientErrorHandler: rejectSocket,
    frameworkErrors: (_error, _request, reply) => void reject(reply, 400),
  });
  let isClosing = false;
  app.server.maxConnections = MAX_CONNECTIONS;
  const connections = new Set<Socket>();
  app.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  rejectStrangeRequests(app.server);
  // JSON is the only content type: the others that fastify reads are those that browsers send without asking first.
  app.removeContentTypeParser('text/plain');
  app.decorateReply('rejection', null);
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { rejection: code, statusCode: status } = reply;
    if (code !== null) onRejection({ requestId: request.id, status, code, reason: request.unauthenticatedReason });
    reply.header('x-request-id', request.id);
    // Answers hold personal data.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    if (leaving.draining || isClosing) reply.header('connection', 'close');
    done();
  });
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    if (isRejectionStatus(error.statusCode) && error.statusCode < 500) return reject(reply, error.statusCode);
    onUnexpectedError(error);
    return reject(reply, 500);
  });
  app.setNotFoundHandler((_request, reply) => reject(reply, 404));
  app.addHook('onRequest', (request, reply, done) => {
    if (leaving.closing) reject(reply, 503, 'SHUTTING_DOWN');
    else if (valuesOf(request.raw, 'host').length !== 1) reject(reply, 400);
    else if (options.loopbackNamesOnly && !LOOPBACK.test(request.hostname)) reject(reply, 421);
    else done();
  });
  authenticate(app, options);
  const { inFlight } = serveGraphQL(app, options);
  if (options.ide !== null) await serveIde(app, options.ide);
  const url = await app.listen({ host: options.host, port: options.port });
  return {
    url,
    inFlight,
    close() {
      isClosing = true;
      // Takes no more connections, and ends those between two requests. It would wait for any other, also for one on which no
      // request ever comes, and from here on Node looks at no timeout.
      app.server.close();
      for (const socket of connections) rejectUnarrived(socket);
      return app.close();
    },
  };
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The router's id of the request, if it sends one that can be logged as it is. */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** @see W3C Trace Context */
function traceIdOf(traceparent: string | null): string | null {
  return traceparent === null ? null : (TRACEPARENT.exec(traceparent)?.[1] ?? null);
}

function textOf({ headers }: IncomingMessage, name: string): string | null {
  const given = headers[name];
  return typeof given === 'string' ? given : null;
}

/** Finds out who asks before anything of the body is read, whatever is asked for. */
function authenticate(app: FastifyInstance, { authenticator }: ListenerOptions): void {
  app.decorateRequest('caller', null);
  app.decorateRequest('unauthenticatedReason', null);
  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown, done: (error: Error) => void): void => {
    if (error instanceof KeysUnavailableError) reject(reply, 503, 'KEYS_UNAVAILABLE');
    else if (error instanceof UnauthenticatedError) {
      request.unauthenticatedReason = error.reason;
      reject(reply, 401);
    } else done(error as Error);
  };
  app.addHook('onRequest', (request, reply, done) => {
    const routerAuthorization = valuesOf(request.raw, 'router-authorization');
    const authorization = valuesOf(request.raw, 'authorization');
    const accept = (caller: Caller): void => {
      request.caller = caller;
      done();
    };
    try {
      const caller = authenticator.authenticate({ routerAuthorization, authorization });
      // Nothing to wait for with most requests.
      if (!(caller instanceof Promise)) accept(caller);
      else caller.then(accept, (error: unknown) => refuse(request, reply, error, done));
    } catch (error) {
      refuse(request, reply, error, done);
    }
  });
}

/** Every value of a header, as it came: Node keeps only the first of some. @param name In lower case. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] as string;
    if (given.length === name.length && given.toLowerCase() === name) values.push(rawHeaders[at + 1] as string);
  }
  return values;
}

function serveGraphQL(app: FastifyInstance, options: ListenerOptions): { inFlight: () => number } {
  const { graphql, createContext, maxInFlight, leaving } = options;
  let inFlight = 0;
  // Not async: fastify would make more promises around that one.
  app.post('/graphql', (request: FastifyRequest, reply: FastifyReply): void => {
    const { body, caller, id, raw } = request;
    if (!isGraphQLRequest(body)) return void reject(reply, 400);
    // The rest of a body may come after its connection was told that nothing of it will be done.
    if (leaving.closing) return void reject(reply, 503, 'SHUTTING_DOWN');
    if (inFlight >= maxInFlight) return void reject(reply, 503, 'OVERLOADED');
    if (caller === null) throw new Error('a request was not authenticated');
    const traceparent = textOf(raw, 'traceparent');
    const tracestate = textOf(raw, 'tracestate');
    const context = createContext({ caller, requestId: id, traceId: traceIdOf(traceparent), traceparent, tracestate });
    inFlight++;
    const end = (): void => {
      inFlight--;
      context.deadline.end();
    };
    graphql.answer({ headers: request.headers, body }, context).then(
      (answer) => {
        end();
        for (const [name, value] of answer.headers) reply.header(name, value);
        reply.code(answer.status).send(answer.body);
        // Decision 0015.
        answer.body = '';
        return reply;
      },
      (error: unknown) => {
        end();
        return reply.send(error);
      },
    );
  });
  app.route({
    method: app.supportedMethods.filter((method) => method !== 'POST'),
    url: '/graphql',
    handler: (_request, reply) => reject(reply.header('allow', 'POST'), 405),
  });
  return { inFlight: () => inFlight };
}

/**
 * Whether a body is a GraphQL request in form. Neither a list of requests nor the hash of a document that is stored elsewhere
 * is one: nothing is stored.
 */
function isGraphQLRequest(body: unknown): body is GraphQLRequest {
  if (!isObject(body)) return false;
  const { query, operationName = null, variables = null, extensions = null } = body;
  return (
    typeof query === 'string' &&
    query !== '' &&
    (operationName === null || typeof operationName === 'string') &&
    (variables === null || isObject(variables)) &&
    (extensions === null || (isObject(extensions) && !('persistedQuery' in extensions)))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
