import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { RequestHandler, type RequestHandlerOptions } from './requestHandler';
import { type IdeWindow, loadIde } from './ide';
import { originOf } from './origin';
import { rejectIncomplete, rejectMalformedRequests } from './sockets';

export interface ListenerOptions extends RequestHandlerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** The windows of the IDE at `/`; null for no IDE. */
  ide: readonly IdeWindow[] | null;
}

export interface Listener {
  /** Its origin, such as `http://127.0.0.1:4001`. */
  url: string;
  /** The number of GraphQL requests that are being served. */
  inFlight(): number;
  /** Accepts no more connections. Resolves when every request in flight has its response. */
  close(): Promise<void>;
}

/** Longer than routers keep idle connections, so that the router closes first and no request meets a closed connection. */
const KEEP_ALIVE_MS = 75_000;
/** Time limits for the headers and for the complete request. Routers send a request in one piece. */
const ARRIVAL_MS = { headers: 10_000, all: 15_000 };
const MAX_CONNECTIONS = 4_096;
/** How long `close` waits for clients to read their responses. */
const FLUSH_MS = 5_000;

/** Opens the GraphQL listener: `POST /graphql` with a JSON body. Every response is JSON. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const handler = new RequestHandler(options, options.ide === null ? null : await loadIde(options.ide));
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: ARRIVAL_MS.headers,
      requestTimeout: ARRIVAL_MS.all,
      // Node checks every 30 s by default, so that a limit of 10 s could become 40 s.
      connectionsCheckingInterval: 1_000,
      // The request handler rejects a missing `Host` with a JSON body; Node's own response has none.
      requireHostHeader: false,
    },
    (request, response) => void handler.serve(request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const connections = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  rejectMalformedRequests(server);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    url: originOf(server),
    inFlight: () => handler.inFlight,
    async close() {
      const idle = handler.close();
      // Node counts a connection as idle once its response is queued, and would discard the bytes that are not sent yet.
      const deadline = performance.now() + FLUSH_MS;
      while (isSending(connections) && performance.now() < deadline) await pause(10);
      const closed = once(server, 'close');
      // Closes idle connections and waits for the others, without their time limits: incomplete requests are rejected here.
      server.close();
      for (const socket of connections) rejectIncomplete(socket);
      await Promise.all([closed, idle]);
    },
  };
}

function isSending(connections: ReadonlySet<Socket>): boolean {
  for (const { writableLength } of connections) if (writableLength > 0) return true;
  return false;
}
