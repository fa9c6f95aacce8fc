import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPOSERS } from '../support/composers';
import { ROOT } from '../support/process';

/** The subgraphs of deploy/compose.yaml, and the files of their schemas. */
export const SUBGRAPHS = [
  { name: 'users', url: 'http://users:4003/graphql', sdl: 'deploy/users.graphql' },
  { name: 'identities', url: 'http://identities:4001/graphql', sdl: 'docs/schema.graphql' },
];

/** Composes the supergraph of deploy/compose.yaml. As a program, it prints that supergraph: see deploy/README.md. */
export function composeSupergraph(): string {
  const subgraphs = SUBGRAPHS.map(({ sdl, ...subgraph }) => ({
    ...subgraph,
    sdl: readFileSync(join(ROOT, sdl), 'utf8'),
  }));
  const composition = COMPOSERS['@apollo/composition']?.(subgraphs);
  if (typeof composition?.supergraph !== 'string') throw new Error(`no supergraph: ${composition?.errors.join('; ')}`);
  return composition.supergraph;
}

if (require.main === module) process.stdout.write(composeSupergraph());
