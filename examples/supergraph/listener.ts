import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The port of the gateway and the page. */
export interface Listener {
  port: number;
  /** Responds to all requests from now on. Until then they get 503. */
  serve: (handler: RequestListener) => void;
}

/**
 * Opens a port on both addresses of `localhost`. Browsers try ::1 first, where another program may listen.
 *
 * @param port 0: a free port.
 * @throws {Error} The system's error, for example `EADDRINUSE` if another program has the port.
 */
export async function openListener(port: number): Promise<Listener> {
  let handler: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end('Starting\n');
  };
  const listen = async (host: string, at: number): Promise<number> => {
    const server = createServer({ requestTimeout: 30_000 }, (request, response) => handler(request, response));
    server.listen(at, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const bound = await listen('127.0.0.1', port);
  await listen('::1', bound).catch((error: NodeJS.ErrnoException) => {
    // Any other error means that this machine has no IPv6.
    if (error.code === 'EADDRINUSE') throw error;
  });
  return {
    port: bound,
    serve(next) {
      handler = next;
    },
  };
}
