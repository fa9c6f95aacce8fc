import { printSubgraphSchema } from '@apollo/subgraph';
import { loadSchema } from '../src/graphql/schema';

// What `_service { sdl }` answers, so that what is published is what is served.
process.stdout.write(`${printSubgraphSchema(loadSchema())}\n`);
