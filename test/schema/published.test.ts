import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph';
import { findBreakingChanges, type GraphQLSchema, parse } from 'graphql';
import { loadSchema } from '../../src/graphql/schema';
import { ROOT } from '../support/process';

const published = readFileSync(join(ROOT, 'docs', 'schema.graphql'), 'utf8');

function withSdl(change: (sdl: string) => string): GraphQLSchema {
  const changed = change(published);
  expect(changed).not.toBe(published);
  return buildSubgraphSchema([{ typeDefs: parse(changed) }]);
}

describe('the published schema, docs/schema.graphql', () => {
  const before = buildSubgraphSchema([{ typeDefs: parse(published) }]);

  test('is not broken by the current schema', () => {
    expect(findBreakingChanges(before, loadSchema()).map(({ description }) => description)).toEqual([]);
  });

  test('equals the current schema; to update it, run npm run schema:print --silent > docs/schema.graphql', () => {
    expect(published).toBe(`${printSubgraphSchema(loadSchema())}\n`);
  });

  test.each([
    ['a field is renamed', (sdl: string) => sdl.replace('  apiCode: Int', '  code: Int')],
    ['a field may become null', (sdl: string) => sdl.replace('success: Boolean!', 'success: Boolean')],
    ['an argument becomes required', (sdl: string) => sdl.replace('    type: String\n', '    type: String!\n')],
  ])('would be broken if %s', (_change, change) => {
    expect(findBreakingChanges(before, withSdl(change))).not.toEqual([]);
  });
});
