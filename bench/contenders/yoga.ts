import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { announce } from './ready';
import { createContext, loadTypeDefs, resolvers } from './schema';

/** graphql-yoga with its default options, on node:http. */
const yoga = createYoga({
  schema: buildSubgraphSchema([{ typeDefs: parse(loadTypeDefs()), resolvers }]),
  context: () => createContext(),
  logging: false,
});
// The promise is ignored: yoga responds to errors itself.
const server = createServer((request, response) => void yoga(request, response));
server.listen(0, '127.0.0.1', () => announce(server.address() as AddressInfo));
