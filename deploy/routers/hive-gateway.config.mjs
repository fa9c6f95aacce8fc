// gateway.config.mjs of Hive Gateway 2. ROUTER_AUTHORIZATION in its environment is one of the subgraph's ROUTER_SECRETS.
//   hive-gateway supergraph supergraph.graphql -c hive-gateway.config.mjs --port 4000
//
// Passes on errors of subgraphs with all their extensions. docs/federation.md shows how it verifies tokens.
import { defineConfig } from '@graphql-hive/gateway';

const FORWARDED = ['authorization', 'traceparent', 'x-request-id', 'x-audit-reason'];

export const gatewayConfig = defineConfig({
  // The address of the subgraph inside the cluster, and a timeout longer than the subgraph's REQUEST_DEADLINE_MS.
  transportEntries: {
    identities: { location: 'http://identities:4001/graphql', options: { timeout: 15_000 } },
  },
  // Concurrent equal queries are sent once. The headers set here are part of what must be equal. Headers that a custom
  // `fetch` adds are not: with such a `fetch`, one user would get the response to another.
  propagateHeaders: {
    fromClientToSubgraphs({ request, subgraphName }) {
      if (subgraphName !== 'identities') return undefined;
      const forwarded = FORWARDED.map((name) => [name, request.headers.get(name)]);
      return { ...Object.fromEntries(forwarded), 'router-authorization': process.env.ROUTER_AUTHORIZATION };
    },
  },
});
