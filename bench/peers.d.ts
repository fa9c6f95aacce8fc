/** The types of packages that only this folder installs, as far as they are used. Checks then run without these packages. */

declare module 'graphql-yoga' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  import type { GraphQLSchema } from 'graphql';

  export function createYoga(options: {
    schema: GraphQLSchema;
    context: () => object;
    logging: boolean;
  }): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

declare module '@mercuriusjs/federation' {
  import type { FastifyPluginAsync, FastifyRequest } from 'fastify';

  export const mercuriusFederationPlugin: FastifyPluginAsync<{
    schema: string;
    resolvers: object;
    context: (request: FastifyRequest) => object | Promise<object>;
    jit: number;
  }>;
}
