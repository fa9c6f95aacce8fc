// Takes the place of your subgraph that owns `User`, for compose.yaml and for `npm run example`.
const fs = require('node:fs');
const path = require('node:path');
const { ApolloServer } = require('@apollo/server');
const { ApolloServerPluginInlineTraceDisabled } = require('@apollo/server/plugin/disabled');
const { startStandaloneServer } = require('@apollo/server/standalone');
const { buildSubgraphSchema } = require('@apollo/subgraph');
const { GraphQLError, parse } = require('graphql');

const SDL = fs.readFileSync(path.join(__dirname, 'users.graphql'), 'utf8');

/**
 * Starts a subgraph that knows the names of users.
 *
 * @param {import('./users').UsersOptions} options
 */
async function startUsers({ host, port, names, issuer }) {
  const userOf = (/** @type {string} */ id) => (names.has(id) ? { id, name: names.get(id) } : null);
  /** @typedef {{ userId?: string | undefined }} Context */
  const schema = buildSubgraphSchema([
    {
      typeDefs: parse(SDL),
      resolvers: {
        Query: {
          me: (_parent, _arguments, /** @type {Context} */ { userId = '' }) => userOf(userId),
          user: (_parent, /** @type {{ id: string }} */ { id }) => userOf(id),
          users: () => [...names.keys()].map(userOf),
        },
        User: { __resolveReference: (/** @type {{ id: string }} */ { id }) => userOf(id) },
      },
    },
  ]);
  const server = new ApolloServer({
    schema,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
    includeStacktraceInErrorResponses: false,
  });
  const authenticate = issuer === undefined ? async () => ({}) : await createAuthenticator(issuer);
  const { url } = await startStandaloneServer(server, {
    listen: { host, port },
    context: ({ req }) => authenticate(req.headers.authorization),
  });
  return { url, sdl: SDL };
}

/** @param {import('./users').Issuer} issuer */
async function createAuthenticator({ url, jwksUri, audience }) {
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const keys = createRemoteJWKSet(new URL(jwksUri));
  const options = { issuer: url, audience, algorithms: ['ES256', 'RS256'] };
  return async (/** @type {string | undefined} */ authorization = '') => {
    try {
      const { payload } = await jwtVerify(authorization.replace(/^Bearer /i, ''), keys, options);
      return { userId: payload.sub };
    } catch {
      const extensions = { code: 'UNAUTHENTICATED', http: { status: 401 } };
      throw new GraphQLError('A valid access token is required', { extensions });
    }
  };
}

module.exports = { startUsers };

if (require.main === module) {
  // These users exist in the emulator.
  const names = new Map([
    ['6229ffa1c05e6bfcade3e3d1', 'Zhang San'],
    ['6229ffa1c05e6bfcade3e3d2', 'Ada Lovelace'],
    ['6229ffa1c05e6bfcade3e3d3', 'Li Si'],
  ]);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
  void startUsers({ port: Number(process.argv[2]), names }).then(({ url }) =>
    process.stdout.write(`users at ${url}\n`),
  );
}
