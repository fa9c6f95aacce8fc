import type { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify, { type FastifyError } from 'fastify';
import type { Context } from '../graphql/context';
import { type IdeWindow, serveIde } from './ide';
import { isRejectionStatus, reject, rejectSocket } from './rejections';

export interface ListenerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Started. */
  graphql: ApolloServer<Context>;
  createContext: () => Context;
  /** What the IDE at `/` opens with. Null: no IDE. */
  ide: readonly IdeWindow[] | null;
  /** Called with an error that nobody foresaw; the caller is told nothing of it. */
  onUnexpectedError: (error: unknown) => void;
}

export interface Listener {
  /** The origin that it listens at, such as `http://127.0.0.1:4001`. */
  url: string;
  /** Takes no more connections, and resolves when the requests under way are answered. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 256 * 1024;

/** Opens the GraphQL listener: `POST /graphql` with a JSON body, and JSON in every answer. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { graphql, createContext, ide, onUnexpectedError } = options;
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
    onUnexpectedError(error);
    return reject(reply, 500);
  });
  app.setNotFoundHandler((_request, reply) => reject(reply, 404));
  const handle = fastifyApolloHandler(graphql, { context: () => Promise.resolve(createContext()) });
  app.post('/graphql', (request, reply) =>
    hasDocument(request.body) ? handle.call(app, request, reply) : reject(reply, 400),
  );
  app.route({
    method: app.supportedMethods.filter((method) => method !== 'POST'),
    url: '/graphql',
    handler: (_request, reply) => reject(reply.header('allow', 'POST'), 405),
  });
  if (ide !== null) await serveIde(app, ide);
  const url = await app.listen({ host: options.host, port: options.port });
  return { url, close: () => app.close() };
}

/** Neither a list of requests nor the hash of a document that is stored elsewhere is served. */
function hasDocument(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'query' in body && typeof body.query === 'string';
}
