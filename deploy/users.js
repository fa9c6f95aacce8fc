// Takes the place of your subgraph that owns `User`, for compose.yaml. Its users exist in the emulator.
const fs = require('node:fs');
const path = require('node:path');
const { ApolloServer } = require('@apollo/server');
const { startStandaloneServer } = require('@apollo/server/standalone');
const { buildSubgraphSchema } = require('@apollo/subgraph');
const { parse } = require('graphql');

const NAMES = new Map([
  ['6229ffa1c05e6bfcade3e3d1', 'Zhang San'],
  ['6229ffa1c05e6bfcade3e3d2', 'Ada Lovelace'],
  ['6229ffa1c05e6bfcade3e3d3', 'Li Si'],
]);
/** @param {string} id */
const userOf = (id) => (NAMES.has(id) ? { id, name: NAMES.get(id) } : null);

const schema = buildSubgraphSchema([
  {
    typeDefs: parse(fs.readFileSync(path.join(__dirname, 'users.graphql'), 'utf8')),
    resolvers: {
      Query: {
        user: (_parent, /** @type {{ id: string }} */ { id }) => userOf(id),
        users: () => [...NAMES.keys()].map(userOf),
      },
      User: { __resolveReference: (/** @type {{ id: string }} */ { id }) => userOf(id) },
    },
  },
]);

const port = Number(process.argv[2]);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
void startStandaloneServer(new ApolloServer({ schema }), { listen: { port } }).then(({ url }) =>
  process.stdout.write(`users at ${url}\n`),
);
