import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { GraphQLError, parse } from 'graphql';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { Issuer } from './issuer';

/** Takes the place of your subgraph that owns `User`. */
export interface Users {
  /** The GraphQL endpoint. */
  url: string;
  sdl: string;
}

const SDL = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

type User @key(fields: "id") {
  id: ID!
  name: String
}

type Query {
  "The caller. Null if the token is not one of a user."
  me: User
  user(id: ID!): User
}
`;

interface Context {
  /** The id of the user who sends the request. */
  userId: string | undefined;
}

/** Starts a subgraph that knows the names of users, on a free port of 127.0.0.1. Every request needs a token. */
export async function startUsers(
  names: ReadonlyMap<string, string | null>,
  { url: issuer, jwksUri, audience }: Pick<Issuer, 'url' | 'jwksUri' | 'audience'>,
): Promise<Users> {
  const userOf = (id = ''): { id: string; name: string | null } | null => {
    const name = names.get(id);
    return name === undefined ? null : { id, name };
  };
  const schema = buildSubgraphSchema([
    {
      typeDefs: parse(SDL),
      resolvers: {
        Query: {
          me: (_parent: unknown, _arguments: unknown, { userId }: Context) => userOf(userId),
          user: (_parent: unknown, { id }: { id: string }) => userOf(id),
        },
        User: { __resolveReference: ({ id }: { id: string }) => userOf(id) },
      },
    },
  ]);
  const keys = createRemoteJWKSet(new URL(jwksUri));
  const server = new ApolloServer<Context>({
    schema,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
    includeStacktraceInErrorResponses: false,
  });
  const { url } = await startStandaloneServer(server, {
    listen: { host: '127.0.0.1', port: 0 },
    async context({ req }) {
      try {
        const token = /^Bearer (\S+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? '';
        const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'] });
        return { userId: payload.sub };
      } catch {
        throw new GraphQLError('A valid access token is required', {
          extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } },
        });
      }
    },
  });
  return { url, sdl: SDL };
}
