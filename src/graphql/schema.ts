import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { GraphQLError, type GraphQLFieldResolver, type GraphQLSchema, parse } from 'graphql';
import type { Context } from './context';
import { resolvers } from './resolvers/identity';

// Seen from src/graphql and from dist/graphql alike.
const SCHEMA_FOLDER = join(__dirname, '..', '..', 'schema');

/** Reads the SDL that this subgraph contributes, one file per topic. */
export function loadTypeDefs(): string {
  const topics = readdirSync(SCHEMA_FOLDER).filter((name) => name.endsWith('.graphql'));
  return topics
    .sort()
    .map((name) => readFileSync(join(SCHEMA_FOLDER, name), 'utf8'))
    .join('\n');
}

/** Builds the executable schema: the SDL, its resolvers, and an `_entities` that one bad representation cannot spoil. */
export function loadSchema(): GraphQLSchema {
  // The list form is the one that @apollo/subgraph 2.14 and 2.15 both take.
  const schema = buildSubgraphSchema([{ typeDefs: parse(loadTypeDefs()), resolvers }]);
  const entities = schema.getQueryType()?.getFields()['_entities'];
  if (entities?.resolve === undefined) throw new Error('the subgraph library no longer resolves _entities as a field');
  entities.resolve = isolating(entities.resolve as EntitiesResolver);
  return schema;
}

type EntitiesResolver = GraphQLFieldResolver<unknown, Context, { representations: readonly unknown[] }>;

/**
 * Keeps what is wrong with one representation to that representation.
 *
 * The library throws for the whole list when it meets a `__typename` it does not know. Every entity of the request is
 * then lost, and a neighbour's rejection that nobody waits for any more ends the process.
 */
function isolating(resolve: EntitiesResolver): EntitiesResolver {
  return (source, { representations }, context, info) => {
    const usable = representations.filter(isUserReference);
    const entities: unknown = resolve(source, { representations: usable }, context, info);
    if (usable.length === representations.length) return entities;
    const resolved = (entities as readonly unknown[]).values();
    return representations.map((representation) =>
      // An Error among the items is an error at that item alone.
      isUserReference(representation) ? resolved.next().value : unusable(),
    );
  };
}

/** Representations are untyped on the wire. An id that is a number is refused: JSON numbers lose digits of long ids. */
function isUserReference(representation: unknown): boolean {
  if (typeof representation !== 'object' || representation === null) return false;
  const { __typename, id } = representation as { __typename?: unknown; id?: unknown };
  return __typename === 'User' && typeof id === 'string';
}

function unusable(): GraphQLError {
  return new GraphQLError('representation must have __typename "User" and an id that is a string', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
