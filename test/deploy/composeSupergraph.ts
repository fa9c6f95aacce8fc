import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPOSERS } from '../support/composers';

const ROOT = join(__dirname, '..', '..');

/** Composes the supergraph of deploy/compose.yaml. Run as a program, it prints it: see deploy/README.md. */
export function composeSupergraph(): string {
  const subgraphs = [
    { name: 'users', url: 'http://users:4003/', sdl: 'deploy/users.graphql' },
    { name: 'identities', url: 'http://identities:4001/graphql', sdl: 'docs/schema.graphql' },
  ].map(({ sdl, ...subgraph }) => ({ ...subgraph, sdl: readFileSync(join(ROOT, sdl), 'utf8') }));
  const composition = COMPOSERS['@apollo/composition']?.(subgraphs);
  if (typeof composition?.supergraph !== 'string') throw new Error(`no supergraph: ${composition?.errors.join('; ')}`);
  return composition.supergraph;
}

if (require.main === module) process.stdout.write(composeSupergraph());
