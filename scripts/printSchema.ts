import { parseArgs } from 'node:util';
import { printSubgraphSchema } from '@apollo/subgraph';
import { readPolicyConfig } from '../src/config';
import { loadSchema } from '../src/graphql/schema';
import { withAuthorization } from './authorization';

const { values } = parseArgs({ options: { authorization: { type: 'boolean' } } });
// What `_service { sdl }` answers, so that what is published is what is served.
const sdl = printSubgraphSchema(loadSchema());
// By the variables of the service, so that the router refuses what the service would refuse, and nothing else.
const printed = values.authorization === true ? withAuthorization(sdl, readPolicyConfig(process.env)) : sdl;
process.stdout.write(`${printed}\n`);
