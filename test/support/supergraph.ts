import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify, { type FastifyRequest } from 'fastify';
import { parse } from 'graphql';
import { USERS_SDL } from './composers';

/** A GraphQL server on a free port. */
export interface Opened {
  /** The GraphQL endpoint. */
  url: string;
  close(): Promise<void>;
}

/** Starts a subgraph that owns `User`, with a fixed list of users. Caches may keep its responses, and share them. */
export async function startUsers(userIds: readonly string[]): Promise<Opened> {
  const reference = (id: string) => ({ __typename: 'User', id, name: `user ${id}` });
  return serve(
    new ApolloServer<ServerContext>({
      plugins: [ApolloServerPluginInlineTraceDisabled(), ApolloServerPluginCacheControl({ defaultMaxAge: 60 })],
      schema: buildSubgraphSchema([
        {
          typeDefs: parse(USERS_SDL),
          resolvers: {
            Query: {
              me: (_parent: unknown, _args: unknown, { authorization }: ServerContext) =>
                reference(subjectOf(authorization)),
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

/** Returns the subject of a token. Nothing is verified: no test asks this subgraph for anything that has to be protected. */
function subjectOf(authorization = ''): string {
  const [, payload = ''] = authorization.split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub;
}

/** What the servers of this file know about a request. */
export interface ServerContext {
  authorization: string | undefined;
}

/** Serves GraphQL at `/graphql` of a free port. */
export async function serve(server: ApolloServer<ServerContext>): Promise<Opened> {
  await server.start();
  const app = fastify();
  const context = ({ headers }: FastifyRequest) => Promise.resolve({ authorization: headers.authorization });
  app.post('/graphql', fastifyApolloHandler(server, { context }));
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `${origin}/graphql`,
    async close() {
      await app.close();
      await server.stop();
    },
  };
}
