import type { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  type Authenticator,
  type Caller,
  KeysUnavailableError,
  UnauthenticatedError,
  type UnauthenticatedReason,
} from '../callers';
import type { Context } from '../graphql/context';
import { type IdeWindow, serveIde } from './ide';
import { isRejectionStatus, reject, rejectSocket } from './rejections';

export interface ListenerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Started. */
  graphql: ApolloServer<Context>;
  createContext: (caller: Caller) => Context;
  authenticator: Authenticator;
  /** GraphQL requests served at once; more are refused. */
  maxInFlight: number;
  /** What the IDE at `/` opens with. Null: no IDE. */
  ide: readonly IdeWindow[] | null;
  /** Called with an error that nobody foresaw; the caller is told nothing of it. */
  onUnexpectedError: (error: unknown) => void;
  /** Called for every request of a caller who is not known; the caller is told no reason. */
  onUnauthenticated: (reason: UnauthenticatedReason) => void;
}

export interface Listener {
  /** The origin that it listens at, such as `http://127.0.0.1:4001`. */
  url: string;
  /** Takes no more connections, and resolves when the requests under way are answered. */
  close(): Promise<void>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until the request is authenticated. */
    caller: Caller | null;
  }
}

const MAX_BODY_BYTES = 256 * 1024;

/** Opens the GraphQL listener: `POST /graphql` with a JSON body, JSON in every answer, and nothing at all for strangers. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    clientErrorHandler: rejectSocket,
    frameworkErrors: (_error, _request, reply) => void reject(reply, 400),
  });
  // JSON is the only content type: the others that fastify reads are those that browsers send without asking first.
  app.removeContentTypeParser('text/plain');
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Answers hold personal data.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    done();
  });
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    if (isRejectionStatus(error.statusCode) && error.statusCode < 500) return reject(reply, error.statusCode);
    options.onUnexpectedError(error);
    return reject(reply, 500);
  });
  app.setNotFoundHandler((_request, reply) => reject(reply, 404));
  authenticate(app, options);
  serveGraphQL(app, options);
  if (options.ide !== null) await serveIde(app, options.ide);
  const url = await app.listen({ host: options.host, port: options.port });
  return { url, close: () => app.close() };
}

/** Finds out who asks before anything of the body is read, whatever is asked for. */
function authenticate(app: FastifyInstance, { authenticator, onUnauthenticated }: ListenerOptions): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request, reply) => {
    const { 'router-authorization': routerAuthorization = [], authorization = [] } = request.raw.headersDistinct;
    try {
      request.caller = await authenticator.authenticate({ routerAuthorization, authorization });
    } catch (error) {
      if (error instanceof KeysUnavailableError) return reject(reply, 503, 'KEYS_UNAVAILABLE');
      if (!(error instanceof UnauthenticatedError)) throw error;
      onUnauthenticated(error.reason);
      return reject(reply, 401);
    }
    return undefined;
  });
}

function serveGraphQL(app: FastifyInstance, { graphql, createContext, maxInFlight }: ListenerOptions): void {
  let inFlight = 0;
  const handle = fastifyApolloHandler(graphql, {
    context: (request) => {
      if (request.caller === null) throw new Error('a request was not authenticated');
      return Promise.resolve(createContext(request.caller));
    },
  });
  app.post('/graphql', async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    if (!hasDocument(request.body)) return reject(reply, 400);
    if (inFlight >= maxInFlight) return reject(reply, 503, 'OVERLOADED');
    inFlight++;
    try {
      return await handle.call(app, request, reply);
    } finally {
      inFlight--;
    }
  });
  app.route({
    method: app.supportedMethods.filter((method) => method !== 'POST'),
    url: '/graphql',
    handler: (_request, reply) => reject(reply.header('allow', 'POST'), 405),
  });
}

/** Neither a list of requests nor the hash of a document that is stored elsewhere is served. */
function hasDocument(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'query' in body && typeof body.query === 'string';
}
