import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { RequestHandler, type RequestHandlerOptions } from './requestHandler';
import { type IdeWindow, loadIde } from './ide';
import { originOf } from './origin';
import { rejectStrangeRequests, rejectUnarrived } from './rejections';

export interface ListenerOptions extends RequestHandlerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** What the IDE at `/` opens with. Null: no IDE. */
  ide: readonly IdeWindow[] | null;
}

export interface Listener {
  /** The origin that it listens at, such as `http://127.0.0.1:4001`. */
  url: string;
  /** GraphQL requests that are being served. */
  inFlight(): number;
  /** Takes no more connections, and resolves when the requests under way are answered. */
  close(): Promise<void>;
}

/** Longer than the pools of routers keep a connection: it is they who end it, between two requests. */
const KEEP_ALIVE_MS = 75_000;
/** For a request to arrive whole; routers send it at once. */
const ARRIVAL_MS = { headers: 10_000, all: 15_000 };
const MAX_CONNECTIONS = 4_096;
/** For answers to reach slow readers while this closes. */
const FLUSH_MS = 5_000;

/** Opens the GraphQL listener: `POST /graphql` with a JSON body, and JSON in every answer. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const handler = new RequestHandler(options, options.ide === null ? null : await loadIde(options.ide));
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: ARRIVAL_MS.headers,
      requestTimeout: ARRIVAL_MS.all,
      // Node looks every 30 s unless told otherwise, and lets that much more time pass.
      connectionsCheckingInterval: 1_000,
      // Node's own refusal has no body; ours is at the request handler.
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
  rejectStrangeRequests(server);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    url: originOf(server),
    inFlight: () => handler.inFlight,
    async close() {
      const answered = handler.close();
      // Node takes a connection for idle once its answer is handed over, and would cut off what is still on its way.
      const deadline = performance.now() + FLUSH_MS;
      while (isSending(connections) && performance.now() < deadline) await pause(10);
      const closed = once(server, 'close');
      // Takes no more connections, and ends those between two requests. It would wait for any other, also for one on which no
      // request ever comes, and from here on Node looks at no timeout.
      server.close();
      for (const socket of connections) rejectUnarrived(socket);
      await Promise.all([closed, answered]);
    },
  };
}

function isSending(connections: ReadonlySet<Socket>): boolean {
  for (const { writableLength } of connections) if (writableLength > 0) return true;
  return false;
}
