import {
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  isEnumType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
} from 'graphql';
import { resolvers } from '../../src/graphql/resolvers/identity';
import { loadSchema } from '../../src/graphql/schema';

const schema = loadSchema();
const FEDERATION = new Set(['_Any', '_Entity', '_Service', 'FieldSet']);
const own = Object.values(schema.getTypeMap()).filter(
  (type) =>
    !isIntrospectionType(type) &&
    !isSpecifiedScalarType(type) &&
    !/__|^_/.test(type.name) &&
    !FEDERATION.has(type.name),
);

/** Without the fields that federation adds to `Query`. */
const fieldsOf = (type: GraphQLObjectType | GraphQLInterfaceType) =>
  Object.values(type.getFields()).filter(({ name }) => !name.startsWith('_'));

describe('the resolver map', () => {
  const entries = Object.entries(resolvers).flatMap(([type, fields]) =>
    Object.keys(fields as object).map((field) => [type, field] as const),
  );

  test('is not empty', () => {
    expect(entries.length).toBeGreaterThan(0);
  });

  // The libraries silently ignore a resolver without a field.
  test.each(entries)('resolves a field of the schema: %s.%s', (typeName, fieldName) => {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) throw new Error(`the schema has no object type ${typeName}`);
    const names = [...Object.keys(type.getFields()), '__resolveReference'];
    expect(names).toContain(fieldName);
  });

  test('leaves no root field and no field with arguments to the default resolver', () => {
    for (const type of own.filter(isObjectType)) {
      for (const field of fieldsOf(type)) {
        const isRoot = type === schema.getMutationType() || type === schema.getQueryType();
        if (!isRoot && field.args.length === 0) continue;
        expect(resolvers).toHaveProperty([type.name, field.name]);
      }
    }
  });
});

describe('a description in the schema', () => {
  const places = own.flatMap((type) => {
    if (isScalarType(type)) return [[type.name, type.description] as const];
    if (isEnumType(type)) {
      const values = type.getValues().map((value) => [`${type.name}.${value.name}`, value.description] as const);
      return [[type.name, type.description] as const, ...values];
    }
    if (!isObjectType(type) && !isInterfaceType(type))
      throw new Error(`this test does not know the kind of ${type.name}`);
    return [
      [type.name, type.description] as const,
      ...fieldsOf(type).flatMap((field) => [
        [`${type.name}.${field.name}`, field.description] as const,
        ...field.args.map((arg) => [`${type.name}.${field.name}(${arg.name})`, arg.description] as const),
      ]),
    ];
  });

  test('is required in every type of this subgraph', () => {
    expect(own.map(({ name }) => name).sort()).toEqual([
      'Identity',
      'IdentitySource',
      'JSONObject',
      'LinkIdentityPayload',
      'Mutation',
      'Query',
      'RevokeSessionsPayload',
      'UnlinkBlock',
      'UnlinkIdentityPayload',
      'User',
    ]);
  });

  test.each(places)('exists for %s', (_place, description) => {
    expect(description ?? '').toMatch(/^\S[\s\S]{15,}\S$/);
  });
});
