// The engine of Hive Gateway, with the settings of deploy/routers/hive-gateway.config.mjs, as a program of its own:
//   SUPERGRAPH=supergraph.graphql ROUTER_AUTHORIZATION=... PORT=4000 node hiveEngine.mjs
// Hive Gateway itself has 745 packages. Its headers reach the executor in the same way: before deduplication.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { createYoga } from 'graphql-yoga';

const {
  ROUTER_AUTHORIZATION = '',
  SUPERGRAPH = 'supergraph.graphql',
  PORT = '4000',
  IDENTITIES_OPTIONS = '{}',
} = process.env;
const FORWARDED = ['authorization', 'traceparent', 'x-request-id', 'x-audit-reason'];

/** Returns the client's headers that every subgraph receives. */
function forwardedTo(executionRequest) {
  const headers = executionRequest?.context?.request?.headers;
  const forwarded = FORWARDED.flatMap((name) => {
    const value = headers?.get(name) ?? null;
    return value === null ? [] : [[name, value]];
  });
  return Object.fromEntries(forwarded);
}

/** Returns the headers of a request to the identities subgraph. */
function headersOf(executionRequest) {
  return { ...forwardedTo(executionRequest), 'router-authorization': ROUTER_AUTHORIZATION };
}

// IDENTITIES_OPTIONS are further options of Hive Gateway's `transportEntries`, as JSON.
const IDENTITIES = { headers: headersOf, timeout: 15_000, ...JSON.parse(IDENTITIES_OPTIONS) };

const schema = getStitchedSchemaFromSupergraphSdl({
  supergraphSdl: readFileSync(SUPERGRAPH, 'utf8'),
  // Fetches that are due at the same time are combined into one operation, as in Hive Gateway.
  batch: true,
  onSubschemaConfig(subschema) {
    const options = subschema.name.toLowerCase() === 'identities' ? IDENTITIES : { headers: forwardedTo };
    subschema.executor = buildHTTPExecutor({ endpoint: subschema.endpoint, ...options });
  },
});

const yoga = createYoga({ schema, graphiql: false, maskedErrors: true, logging: false });
const server = createServer((request, response) => void yoga(request, response));
server.listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`gateway at http://127.0.0.1:${server.address().port}/graphql\n`);
});
