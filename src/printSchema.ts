import { parseArgs } from 'node:util';
import { printSubgraphSchema } from '@apollo/subgraph';
import { readPolicyConfig } from './config';
import { loadSchema, loadTypeDefs, toApiSdl, withAuthorization } from './graphql';

const HELP = `Prints the SDL of this subgraph, to be published in a schema registry or composed into a supergraph.

Usage: npm run schema:print --silent -- [--authorization | --api]

  --authorization  adds @authenticated and @requiresScopes, so that routers that know them refuse requests earlier. Reads
                   SELF_UNLINK, SCOPE_READ, SCOPE_UNLINK and SCOPE_LINK, as the service does
  --api            prints the SDL that clients of the supergraph see, without the directives of federation
  --help

docs/federation.md says which routers know these directives.
`;

const { values } = parseArgs({
  options: { authorization: { type: 'boolean' }, api: { type: 'boolean' }, help: { type: 'boolean' } },
});
process.stdout.write(values.help === true ? HELP : `${printSchema(values)}\n`);

function printSchema({ authorization = false, api = false }: { authorization?: boolean; api?: boolean }): string {
  if (api) return toApiSdl(loadTypeDefs());
  // The same text as `_service { sdl }`, so that the published schema and the served one are the same.
  const sdl = printSubgraphSchema(loadSchema());
  return authorization ? withAuthorization(sdl, readPolicyConfig(process.env)) : sdl;
}
