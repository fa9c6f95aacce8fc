import type { AddressInfo } from 'node:net';
import { mercuriusFederationPlugin } from '@mercuriusjs/federation';
import fastify from 'fastify';
import type { Caller } from '../../src/callers';
import { createGuard } from './guard';
import { announce } from './ready';
import { type Context, createContext, loadTypeDefs, resolvers } from './schema';

/** Starts mercurius with the product's authentication, audit trail and log, so that both do the same work. */
async function start(): Promise<void> {
  const app = fastify();
  const guard = await createGuard();
  const toContext = (caller: Caller): Context => createContext({ guard, caller });
  app.register(mercuriusFederationPlugin, {
    schema: loadTypeDefs(),
    resolvers,
    context: ({ raw }) => {
      const caller = guard.authenticate(raw);
      return caller instanceof Promise ? caller.then(toContext) : toContext(caller);
    },
    jit: 0,
  });
  app.addHook('onResponse', ({ body }, { elapsedTime }, done) => {
    const { query } = body as { query: string };
    guard.log(query.startsWith('mutation') ? 'unlink' : 'entities', elapsedTime);
    done();
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  announce(app.server.address() as AddressInfo);
}

void start();
