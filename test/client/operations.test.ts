import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { composeServices } from '@apollo/composition';
import { printSubgraphSchema } from '@apollo/subgraph';
import { type FieldNode, getOperationAST, Kind, OperationTypeNode, parse, print, validate, visit } from 'graphql';
import * as client from '../../src/client';
import { loadSchema } from '../../src/graphql/schema';
import { ROOT } from '../support/process';

/** What the subgraph that owns users has to offer. */
const USERS = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { me: User user(id: ID!): User }
  type User @key(fields: "id") { id: ID! name: String }
`;

const { schema, errors } = composeServices([
  { name: 'users', url: 'http://users.example/graphql', typeDefs: parse(USERS) },
  {
    name: 'identities',
    url: 'http://identities.example/graphql',
    typeDefs: parse(printSubgraphSchema(loadSchema())),
  },
]);
if (schema === undefined) throw new Error(`no supergraph: ${errors?.join('; ')}`);
const api = schema.toAPISchema().toGraphQLJSSchema();

const folder = join(ROOT, 'operations');
const operations = readdirSync(folder)
  .filter((name) => name.endsWith('.graphql'))
  .map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return { name: basename(name, '.graphql'), text, document: parse(text) };
  });

/** Returns the names of the fields selected below a field of this name, each time that it is selected. */
function selectionsOf(document: (typeof operations)[number]['document'], field: string): string[][] {
  const found: string[][] = [];
  visit(document, {
    Field({ name, selectionSet }: FieldNode) {
      const fields = selectionSet?.selections ?? [];
      if (name.value === field) found.push(fields.map((each) => (each as FieldNode).name.value));
    },
  });
  return found;
}

describe.each(operations)('operations/$name.graphql', ({ name, text, document }) => {
  const operation = getOperationAST(document, name);

  test('is one complete operation, with the name of its file', () => {
    expect(document.definitions.map(({ kind }) => kind)).toEqual([Kind.OPERATION_DEFINITION]);
    expect(operation?.name?.value).toBe(name);
  });

  test('is valid in the supergraph', () => {
    expect(validate(api, document)).toEqual([]);
  });

  test('begins with a description, which warns of a mutation', () => {
    const description = /^(?:# .*\n)+(?=query|mutation)/.exec(text)?.[0] ?? '';
    expect(description.length).toBeGreaterThan(80);
    const isMutation = operation?.operation === OperationTypeNode.MUTATION;
    expect(/^# (?:DESTRUCTIVE|SENSITIVE): /.test(description)).toBe(isMutation);
    expect(/^# .*Changes nothing\./ms.test(description)).toBe(!isMutation);
  });

  test('is in the client, as the same text', () => {
    const exported = (client as unknown as Record<string, string | undefined>)[`${name}Document`] ?? '';
    expect(print(parse(exported))).toBe(print(document));
  });

  test('selects the ids that a cache needs', () => {
    for (const field of ['me', 'user', 'identityUsers', 'usersByIdentity', 'identities', 'removed', 'source']) {
      for (const fields of selectionsOf(document, field)) expect(fields).toContain('id');
    }
  });
});

describe('the identities after a mutation', () => {
  test('have every field that a read selects, so that a cache does not read again', () => {
    const read = operations.filter(({ name }) => !name.startsWith('Link') && !name.startsWith('Unlink'));
    const fields = read.flatMap(({ document }) => selectionsOf(document, 'identities').flat());
    for (const name of ['LinkIdentity', 'UnlinkIdentity']) {
      const { document } = operations.find((each) => each.name === name) ?? {};
      expect(document && selectionsOf(document, 'identities')).toEqual([expect.arrayContaining(fields)]);
    }
  });
});
