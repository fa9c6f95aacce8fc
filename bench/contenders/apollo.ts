import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import fastifyApollo, { fastifyApolloDrainPlugin } from '@as-integrations/fastify';
import fastify from 'fastify';
import { parse } from 'graphql';
import { announce } from './ready';
import { type Context, createContext, loadTypeDefs, resolvers } from './schema';

/** Starts Apollo Server with its default options, on fastify. */
async function start(): Promise<void> {
  const app = fastify();
  const server = new ApolloServer<Context>({
    schema: buildSubgraphSchema([{ typeDefs: parse(loadTypeDefs()), resolvers }]),
    plugins: [fastifyApolloDrainPlugin(app)],
  });
  await server.start();
  await app.register(fastifyApollo(server), { context: () => Promise.resolve(createContext()) });
  await app.listen({ host: '127.0.0.1', port: 0 });
  announce(app.server.address() as AddressInfo);
}

void start();
