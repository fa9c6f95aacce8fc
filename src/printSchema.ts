import { parseArgs } from 'node:util';
import { printSubgraphSchema } from '@apollo/subgraph';
import { readPolicyConfig } from './config';
import { loadSchema, withAuthorization } from './graphql';

const HELP = `Prints the SDL of this subgraph, to be published in a schema registry or composed into a supergraph.

Usage: npm run schema:print --silent -- [--authorization]

  --authorization  adds @authenticated and @requiresScopes, so that routers that know them refuse requests earlier. Reads
                   SELF_UNLINK and SCOPE_UNLINK, as the service does
  --help

docs/federation.md says which routers know these directives.
`;

const { values } = parseArgs({ options: { authorization: { type: 'boolean' }, help: { type: 'boolean' } } });
process.stdout.write(values.help === true ? HELP : `${printSchema(values.authorization === true)}\n`);

/** Prints what `_service { sdl }` returns, so that the published schema and the served one are the same. */
function printSchema(withDirectives: boolean): string {
  const sdl = printSubgraphSchema(loadSchema());
  return withDirectives ? withAuthorization(sdl, readPolicyConfig(process.env)) : sdl;
}
