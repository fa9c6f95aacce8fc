import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { originOf } from './origin';

export interface AdminOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Why the process should not receive requests now; null if it is ready. */
  unreadiness: () => string | null;
  metrics: () => Promise<{ type: string; body: string }>;
}

export interface AdminListener {
  url: string;
  close(): Promise<void>;
}

/**
 * Opens the listener for operators: `/livez`, `/readyz` and `/metrics`. It has a port of its own, so that callers cannot
 * reach it, and so that a full GraphQL listener does not block it.
 */
export async function startAdmin({ host, port, unreadiness, metrics }: AdminOptions): Promise<AdminListener> {
  const routes: Readonly<Record<string, () => Promise<Page>>> = {
    '/livez': () => Promise.resolve(plain(200, 'ok')),
    '/readyz': () => {
      const reason = unreadiness();
      return Promise.resolve(reason === null ? plain(200, 'ready') : plain(503, reason));
    },
    '/metrics': async () => ({ status: 200, ...(await metrics()) }),
  };
  const server = createServer(serve(routes));
  server.listen(port, host);
  await once(server, 'listening');
  return {
    url: originOf(server),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Page {
  status: number;
  type: string;
  body: string;
}

function plain(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function serve(routes: Readonly<Record<string, () => Promise<Page>>>): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const page = route === undefined ? plain(404, 'not found') : isRead ? route() : plain(405, 'GET only');
    void Promise.resolve(page)
      .catch(() => plain(500, 'the metrics could not be read'))
      .then(({ status, type, body }) =>
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body),
      );
  };
}
