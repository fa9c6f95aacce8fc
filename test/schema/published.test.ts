import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph';
import { buildASTSchema, isObjectType, parse, visit } from 'graphql';
import { toApiSdl } from '../../src/graphql/apiSchema';
import { loadSchema, loadTypeDefs } from '../../src/graphql/schema';
import { ROOT } from '../support/process';

const api = readFileSync(join(ROOT, 'docs', 'api.graphql'), 'utf8');
const published = readFileSync(join(ROOT, 'docs', 'schema.graphql'), 'utf8');

describe('the published schema, docs/schema.graphql', () => {
  test('equals the current schema; to update it, run npm run schema:print --silent > docs/schema.graphql', () => {
    expect(published).toBe(`${printSubgraphSchema(loadSchema())}\n`);
  });
});

describe('the schema of clients, docs/api.graphql', () => {
  test('equals the current one; to update it, run npm run schema:print --silent -- --api > docs/api.graphql', () => {
    expect(api).toBe(`${toApiSdl(loadTypeDefs())}\n`);
  });

  test('has no type and no directive of federation', () => {
    const names = api.match(/@\w+|\b_\w+/g) ?? [];
    expect(new Set(names)).toEqual(new Set(['@semanticNonNull', '@specifiedBy']));
  });

  test('has the same fields, with the same types, as the schema of the subgraph', () => {
    const served = loadSchema().getTypeMap();
    const types = Object.values(buildASTSchema(parse(api), { assumeValid: true }).getTypeMap()).filter(isObjectType);
    const fieldsOf = (type: unknown): string[] =>
      isObjectType(type)
        ? Object.values(type.getFields())
            .filter(({ name }) => !name.startsWith('_'))
            .map(({ name, type: of }) => `${name}: ${String(of)}`)
        : [];
    const own = types.filter(({ name }) => !name.startsWith('__'));
    expect(own.map(({ name }) => name)).toEqual(expect.arrayContaining(['User', 'Identity', 'Query', 'Mutation']));
    for (const type of own) expect(fieldsOf(type)).toEqual(fieldsOf(served[type.name]));
  });
});

test('the only tag is `pii`, and excluding it leaves self-service', () => {
  const tags = new Set([...published.matchAll(/@tag\(name: "(\w+)"\)/g)].map(([, name]) => name));
  expect(tags).toEqual(new Set(['pii']));
  const withoutPii = visit(parse(published), {
    FieldDefinition: ({ directives = [] }) => (directives.some(({ name }) => name.value === 'tag') ? null : undefined),
  });
  const user = buildSubgraphSchema([{ typeDefs: withoutPii }]).getTypeMap();
  expect(user['Identity']?.toConfig()).toHaveProperty('fields.unlinkBlockedBy');
  expect(user['Mutation']?.toConfig()).toHaveProperty('fields.unlinkIdentity');
});
