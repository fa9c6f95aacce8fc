import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeServices } from '@apollo/composition';
import { federateSubgraphsContract } from '@wundergraph/composition';
import { type DocumentNode, type GraphQLSchema, parse, validate, visit } from 'graphql';
import { ROOT } from '../support/process';

const IDENTITIES = readFileSync(join(ROOT, 'docs', 'schema.graphql'), 'utf8');
const USERS = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type User @key(fields: "id") { id: ID! name: String }
  type Query { me: User }
`;
const PII = ['label', 'userIdInIdp', 'userInfoInIdp'];

// The composer calls `Set.prototype.isDisjointFrom`, which Node 20 does not have.
const EXCLUDED = Object.assign(new Set(['pii']), {
  isDisjointFrom: (names: ReadonlySet<string>) => !names.has('pii'),
});

/** The schema that clients of a contract see, by two composers. Apollo's contracts make tagged fields inaccessible. */
const CONTRACTS: Record<string, () => GraphQLSchema> = {
  '@wundergraph/composition': () => {
    const result = federateSubgraphsContract({
      subgraphs: [
        { name: 'users', url: 'http://users.example', definitions: parse(USERS) },
        { name: 'identities', url: 'http://identities.example', definitions: parse(IDENTITIES) },
      ],
      contractTagOptions: { tagNamesToExclude: EXCLUDED, tagNamesToInclude: new Set() },
      version: '1',
    });
    if (!result.success) throw new Error(result.errors.join());
    return result.federatedGraphClientSchema;
  },
  '@apollo/composition': () => {
    const sdl = IDENTITIES.replaceAll('@tag(name: "pii")', '@inaccessible').replace(
      '"@tag"',
      '"@tag", "@inaccessible"',
    );
    const { schema, errors } = composeServices([
      { name: 'users', url: 'http://users.example', typeDefs: parse(USERS) },
      { name: 'identities', url: 'http://identities.example', typeDefs: parse(sdl) },
    ]);
    if (schema === undefined) throw new Error(String(errors));
    return schema.toAPISchema().toGraphQLJSSchema();
  },
};

const operations = readdirSync(join(ROOT, 'operations'))
  .filter((name) => name.endsWith('.graphql'))
  .map((name): [string, DocumentNode] => [name, parse(readFileSync(join(ROOT, 'operations', name), 'utf8'))]);

describe.each(Object.entries(CONTRACTS))('a contract without the tag pii, by %s', (_name, contract) => {
  const schema = contract();

  test('has none of the fields with personal data', () => {
    const fields = schema.getType('Identity')?.toConfig() as { fields: Record<string, unknown> } | undefined;
    expect(Object.keys(fields?.fields ?? {})).toEqual(expect.arrayContaining(['id', 'extIdpId', 'unlinkBlockedBy']));
    expect(Object.keys(fields?.fields ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(PII.join('|'))]),
    );
  });

  test.each(operations)('has everything else that %s selects', (name, document) => {
    const withoutPii = visit(document, { Field: ({ name: field }) => (PII.includes(field.value) ? null : undefined) });
    expect(validate(schema, withoutPii)).toEqual([]);
    const selectsPii = !['IdentitySources', 'RevokeSessions'].some((each) => name.startsWith(each));
    expect(validate(schema, document).length > 0).toBe(selectsPii);
  });
});
