import type { AddressInfo } from 'node:net';
import { mercuriusFederationPlugin } from '@mercuriusjs/federation';
import fastify from 'fastify';
import { announce } from './ready';
import { createContext, loadTypeDefs, resolvers } from './schema';

/** Starts mercurius with its default options. With JIT=1 it compiles every operation on first use. */
async function start(): Promise<void> {
  const app = fastify();
  app.register(mercuriusFederationPlugin, {
    schema: loadTypeDefs(),
    resolvers,
    context: () => createContext(),
    jit: Number(process.env['JIT'] ?? 0),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  announce(app.server.address() as AddressInfo);
}

void start();
