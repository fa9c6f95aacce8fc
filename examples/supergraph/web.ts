import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import send from '@fastify/send';
import fastify from 'fastify';
import { isLoopback } from '../../src/secureUrl';
import { contextOf, type GatewayContext } from './gateway';

/** The built page. */
const BUILD = join(__dirname, '..', 'connected-accounts', 'build');

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Serves the page at `/`, the gateway at `/graphql`, and the emulator's control surface at `/emulator/`, all on one origin.
 *
 * @param port 0: a free port.
 * @returns The port.
 * @throws {Error} The system's error, for example `EADDRINUSE` if the port is taken.
 */
export async function startWeb(
  port: number,
  gateway: ApolloServer<GatewayContext>,
  emulatorUrl: string,
): Promise<number> {
  const app = fastify({ bodyLimit: 256 * 1024 });
  app.addHook('onRequest', async ({ hostname }, reply) => {
    reply.headers(SECURITY_HEADERS);
    // A page of another site can give this machine's address a name of its own (DNS rebinding).
    if (!isLoopback(hostname)) return reply.code(421).send('Use http://localhost\n');
  });
  const context = ({ headers }: { headers: Parameters<typeof contextOf>[0] }) => Promise.resolve(contextOf(headers));
  app.post('/graphql', fastifyApolloHandler(gateway, { context }));
  app.get('/graphql', async (_request, reply) => reply.code(405).header('allow', 'POST').send('Send a POST request\n'));
  // For demonstration only: the page sets faults. It must not send requests to another origin.
  app.all('/emulator/*', async ({ url, method, body }, reply) => {
    const response = await fetch(`${emulatorUrl}${url}`, {
      method,
      ...(method === 'PUT' ? { body: JSON.stringify(body) } : {}),
    });
    return reply
      .code(response.status)
      .type('application/json')
      .send(await response.text());
  });
  app.get('/*', async ({ raw, url }, reply) => {
    const { statusCode, headers, stream } = await send(raw, new URL(url, 'http://localhost').pathname, {
      root: BUILD,
      maxAge: 0,
    });
    return statusCode === 404
      ? reply.code(404).send('Not found\n')
      : reply.code(statusCode).headers(headers).send(stream);
  });
  await app.ready();

  // `localhost` is both addresses: a browser tries ::1 first, where another program may listen.
  const routing: RequestListener = (request, response) => app.routing(request, response);
  const bound = await listen(routing, port, '127.0.0.1');
  await listen(routing, bound, '::1').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') throw error;
  });
  return bound;
}

async function listen(routing: RequestListener, port: number, host: string): Promise<number> {
  const server = createServer({ requestTimeout: 30_000 }, routing);
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
