// A gateway on @apollo/gateway 2.14. In its environment: ROUTER_AUTHORIZATION is one of the subgraph's ROUTER_SECRETS,
// SUPERGRAPH is the path of the composed schema, PORT is 4000 by default.
//
// Passes on errors of subgraphs with all their extensions. Refuses to start on a schema with @authenticated.
//   npm install @apollo/gateway@2.14.4 @apollo/server@5.5.1 graphql@16.15.0
const { readFileSync } = require('node:fs');
const { ApolloGateway, RemoteGraphQLDataSource } = require('@apollo/gateway');
const { ApolloServer } = require('@apollo/server');
const { startStandaloneServer } = require('@apollo/server/standalone');
const { GraphQLError } = require('graphql');

const { ROUTER_AUTHORIZATION = '', SUPERGRAPH = 'supergraph.graphql', PORT = '4000' } = process.env;
const FORWARDED = ['authorization', 'traceparent', 'x-request-id', 'x-audit-reason'];

class Subgraph extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    for (const [name, value] of Object.entries(context.forwarded ?? {})) request.http.headers.set(name, value);
  }
}

/** The identities subgraph. Its credential reaches no other subgraph. */
class Identities extends Subgraph {
  // Longer than the subgraph's REQUEST_DEADLINE_MS. Nothing is retried.
  fetcher = (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(15_000) });

  willSendRequest(options) {
    super.willSendRequest(options);
    options.request.http.headers.set('router-authorization', ROUTER_AUTHORIZATION);
  }

  // By default the gateway shows clients the URL and the body of a refusal, under the code INTERNAL_SERVER_ERROR.
  async errorFromResponse(response) {
    const body = await response.json().catch(() => null);
    const [error] = body?.errors ?? [];
    return new GraphQLError(error?.message ?? 'The subgraph refused the request', {
      extensions: error?.extensions ?? { code: 'SUBGRAPH_UNAVAILABLE' },
    });
  }
}

const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(SUPERGRAPH, 'utf8'),
  // Without `apq`: the subgraph stores no documents. This gateway sends each mutation once, and has no deduplication.
  buildService: ({ name, url }) => (name === 'identities' ? new Identities({ url }) : new Subgraph({ url })),
});
const server = new ApolloServer({ gateway, introspection: false, includeStacktraceInErrorResponses: false });

void startStandaloneServer(server, {
  listen: { port: Number(PORT) },
  context: async ({ req }) => ({
    forwarded: Object.fromEntries(FORWARDED.flatMap((name) => (req.headers[name] ? [[name, req.headers[name]]] : []))),
  }),
}).then(({ url }) => process.stdout.write(`gateway at ${url}\n`));
