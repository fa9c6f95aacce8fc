import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify from 'fastify';
import { parse } from 'graphql';
import { loadSchema } from '../../src/graphql/schema';
import { COMPOSERS, USERS_SDL } from './composers';

/** A GraphQL server on a free port. */
export interface Opened {
  /** The GraphQL endpoint. */
  url: string;
  close(): Promise<void>;
}

/** Starts a subgraph that owns `User`, with a fixed list of users. */
export async function startUsers(userIds: readonly string[]): Promise<Opened> {
  const reference = (id: string) => ({ __typename: 'User', id, name: `user ${id}` });
  return serve(
    new ApolloServer({
      plugins: [ApolloServerPluginInlineTraceDisabled()],
      schema: buildSubgraphSchema([
        {
          typeDefs: parse(USERS_SDL),
          resolvers: {
            Query: {
              user: (_parent: unknown, { id }: { id: string }) => reference(id),
              users: (_parent: unknown, { first }: { first: number }) => userIds.slice(0, first).map(reference),
            },
            User: { __resolveReference: ({ id }: { id: string }) => reference(id) },
          },
        },
      ]),
    }),
  );
}

/** Composes both subgraphs, and starts a router that calls them over HTTP. */
export async function startRouter(usersUrl: string, identitiesUrl: string): Promise<Opened> {
  const compose = COMPOSERS['@apollo/composition'];
  const composition = compose?.([
    { name: 'users', url: usersUrl, sdl: USERS_SDL },
    { name: 'identities', url: identitiesUrl, sdl: printSubgraphSchema(loadSchema()) },
  ]);
  if (typeof composition?.supergraph !== 'string') throw new Error(`no supergraph: ${composition?.errors.join('; ')}`);
  return serve(new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl: composition.supergraph }) }));
}

async function serve(server: ApolloServer): Promise<Opened> {
  await server.start();
  const app = fastify();
  app.post('/graphql', fastifyApolloHandler(server));
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `${origin}/graphql`,
    async close() {
      await app.close();
      await server.stop();
    },
  };
}
