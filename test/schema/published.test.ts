import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph';
import { findBreakingChanges, type GraphQLSchema, parse } from 'graphql';
import { loadSchema } from '../../src/graphql/schema';

const published = readFileSync(join(__dirname, '..', '..', 'docs', 'schema.graphql'), 'utf8');

function withSdl(change: (sdl: string) => string): GraphQLSchema {
  const changed = change(published);
  expect(changed).not.toBe(published);
  return buildSubgraphSchema([{ typeDefs: parse(changed) }]);
}

describe('the published schema, docs/schema.graphql', () => {
  const before = buildSubgraphSchema([{ typeDefs: parse(published) }]);

  test('is broken by nothing in the schema as it is now', () => {
    expect(findBreakingChanges(before, loadSchema()).map(({ description }) => description)).toEqual([]);
  });

  test('is the schema as it is now; `npm run schema:print --silent > docs/schema.graphql` makes it so', () => {
    expect(published).toBe(`${printSubgraphSchema(loadSchema())}\n`);
  });

  test.each([
    ['a field gets another name', (sdl: string) => sdl.replace('  apiCode: Int', '  code: Int')],
    ['a field may become null', (sdl: string) => sdl.replace('success: Boolean!', 'success: Boolean')],
    ['an argument becomes required', (sdl: string) => sdl.replace('    type: String\n', '    type: String!\n')],
  ])('would be broken where %s', (_change, change) => {
    expect(findBreakingChanges(before, withSdl(change))).not.toEqual([]);
  });
});
