import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ROUTER_SECRET } from '../support/stack';
import { type Opened, serve, type ServerContext } from '../support/supergraph';
import { compose, type Subgraphs } from './gateways';

/**
 * Starts `@apollo/gateway` in this process, with options that its file in deploy/routers does not set.
 *
 * @param options Options of the data sources of both subgraphs.
 */
export function startApolloGateway(
  subgraphs: Subgraphs,
  options: Pick<Partial<RemoteGraphQLDataSource>, 'apq' | 'honorSubgraphCacheControlHeader'>,
  plugins: ApolloServerPlugin<ServerContext>[] = [],
): Promise<Opened> {
  const gateway = new ApolloGateway({
    supergraphSdl: compose('@apollo/composition', subgraphs),
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource<ServerContext>({
        ...(url === undefined ? {} : { url }),
        ...options,
        willSendRequest({ request, context }) {
          const { authorization } = context as ServerContext;
          request.http?.headers.set('router-authorization', ROUTER_SECRET);
          if (authorization !== undefined) request.http?.headers.set('authorization', authorization);
        },
      }),
  });
  return serve(new ApolloServer<ServerContext>({ gateway, plugins }));
}
