import type { RequestListener } from 'node:http';
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

/** Returns a handler for the page at `/`, the gateway at `/graphql`, and the emulator's faults and switches. */
export async function createWeb(gateway: ApolloServer<GatewayContext>, emulatorUrl: string): Promise<RequestListener> {
  const app = fastify({ bodyLimit: 256 * 1024 });
  app.addHook('onRequest', async ({ hostname }, reply) => {
    reply.headers(SECURITY_HEADERS);
    // Another site can give this machine's address a name of its own (DNS rebinding).
    if (!isLoopback(hostname)) return reply.code(421).send('Use http://localhost\n');
  });
  app.post(
    '/graphql',
    fastifyApolloHandler(gateway, { context: ({ headers }) => Promise.resolve(contextOf(headers)) }),
  );
  app.get('/graphql', async (_request, reply) => reply.code(405).header('allow', 'POST').send('Send a POST request\n'));
  // For demonstration only: the page sets faults, and must not send requests to another origin.
  for (const path of ['/emulator/faults', '/emulator/switches']) {
    app.all(path, async ({ method, body }, reply) => {
      const response = await fetch(`${emulatorUrl}${path}`, {
        method,
        ...(method === 'PUT' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
      });
      return reply
        .code(response.status)
        .type('application/json')
        .send(await response.text());
    });
  }
  app.get('/*', async ({ raw, url }, reply) => {
    const { statusCode, headers, stream } = await send(raw, url.split('?', 1)[0] ?? '/', { root: BUILD, maxAge: 0 });
    if (statusCode >= 400) return reply.code(statusCode).send('There is no such file\n');
    return reply.code(statusCode).headers(headers).send(stream);
  });
  await app.ready();
  return (request, response) => app.routing(request, response);
}
