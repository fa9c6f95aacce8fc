import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { RequestHandler, type RequestHandlerOptions } from './requestHandler';
import { Connections, type DropReason } from './connections';
import { type IdeWindow, loadIde } from './ide';
import { originOf } from './origin';
import { rejectMalformedRequests, rejectOnSocket } from './sockets';
import { UnreadResponses } from './unreadResponses';

export interface ListenerOptions extends RequestHandlerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Milliseconds that an idle connection stays open. Longer than routers keep theirs, so that the router closes first. */
  keepAliveMs: number;
  /** Called when a connection is closed because of a bound. */
  onConnectionDropped: (reason: DropReason) => void;
  /** The windows of the IDE at `/`; null for no IDE. */
  ide: readonly IdeWindow[] | null;
}

export interface Listener {
  /** Its origin, such as `http://127.0.0.1:4001`. */
  url: string;
  /** The number of GraphQL requests that are executed, or whose response the client has not read. */
  inFlight(): number;
  /** Accepts no more connections. Resolves when every request in flight has its response. */
  close(): Promise<void>;
}

/** Time limits for the headers and for the complete request, once it has begun. Routers send a request in one piece. */
const ARRIVAL_MS = { headers: 10_000, all: 15_000 };
/** How long `close` waits for clients to read their responses. */
const FLUSH_MS = 5_000;

/** Opens the GraphQL listener: `POST /graphql` with a JSON body. Every response is JSON. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const server = createServer({
    keepAliveTimeout: options.keepAliveMs,
    headersTimeout: ARRIVAL_MS.headers,
    requestTimeout: ARRIVAL_MS.all,
    // Node checks every 30 s by default, so that a limit of 10 s could become 40 s.
    connectionsCheckingInterval: 1_000,
    // The request handler rejects a missing `Host` with a JSON body; Node's own response has none.
    requireHostHeader: false,
  });
  // A client that closes its side after a request still gets the response (RFC 9112, section 9.6).
  Object.assign(server, { httpAllowHalfOpen: true });
  const connections = new Connections(server, {
    keepAliveMs: options.keepAliveMs,
    onDropped: options.onConnectionDropped,
  });
  const unread = new UnreadResponses((connection) => connections.drop(connection, 'slow_reader'));
  const ide = options.ide === null ? null : await loadIde(options.ide);
  const handler = new RequestHandler(options, ide, connections, unread);
  server.on('request', (request, response) => void handler.serve(request, response));
  server.on('checkContinue', (request, response) => void handler.serve(request, response, 'continue'));
  server.on('checkExpectation', (request, response) => void handler.serve(request, response, 'unknown'));
  rejectMalformedRequests(server, connections);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    url: originOf(server),
    inFlight: () => handler.inFlight,
    async close() {
      const idle = handler.close();
      // Node counts a connection as idle once its response is queued, and would discard the bytes that are not sent yet.
      const deadline = performance.now() + FLUSH_MS;
      while (unread.size > 0 && performance.now() < deadline) await pause(10);
      const closed = once(server, 'close');
      // Closes idle connections and waits for the others, without their time limits: incomplete requests are rejected here.
      server.close();
      for (const connection of connections) rejectOnSocket(connection, 'SHUTTING_DOWN');
      await Promise.all([closed, idle]);
      unread.close();
    },
  };
}
