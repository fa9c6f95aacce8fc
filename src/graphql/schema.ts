import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type GraphQLFieldResolver, type GraphQLSchema, parse } from 'graphql';
import type { Context } from './context';
import { createRepresentationError, isUserReference } from './representations';
import { resolvers } from './resolvers/identity';

// The path is the same from src/graphql and from dist/graphql.
const SCHEMA_FOLDER = join(__dirname, '..', '..', 'schema');

/** Reads the SDL that this subgraph contributes, one file per topic. */
export function loadTypeDefs(): string {
  const topics = readdirSync(SCHEMA_FOLDER).filter((name) => name.endsWith('.graphql'));
  return topics
    .sort()
    .map((name) => readFileSync(join(SCHEMA_FOLDER, name), 'utf8'))
    .join('\n');
}

/** Builds the executable schema. In its `_entities` field one invalid representation does not affect the other entities. */
export function loadSchema(): GraphQLSchema {
  // @apollo/subgraph 2.14 and 2.15 both accept the list form.
  const schema = buildSubgraphSchema([{ typeDefs: parse(loadTypeDefs()), resolvers }]);
  const entities = schema.getQueryType()?.getFields()['_entities'];
  if (entities?.resolve === undefined) throw new Error('the subgraph library no longer resolves _entities as a field');
  entities.resolve = isolating(entities.resolve as EntitiesResolver);
  return schema;
}

type EntitiesResolver = GraphQLFieldResolver<unknown, Context, { representations: readonly unknown[] }>;

/**
 * Limits the error of an invalid representation to its own entity.
 *
 * The library throws for the whole list if one `__typename` is unknown. All entities of the request are lost then, and the
 * rejected promise of another entity, which has no handler any more, ends the process.
 */
function isolating(resolve: EntitiesResolver): EntitiesResolver {
  return (source, { representations }, context, info) => {
    const usable = representations.filter(isUserReference);
    const entities: unknown = resolve(source, { representations: usable }, context, info);
    if (usable.length === representations.length) return entities;
    const resolved = (entities as readonly unknown[]).values();
    return representations.map((representation) =>
      // graphql-js reports an Error in a list as the error of that item.
      isUserReference(representation) ? resolved.next().value : createRepresentationError(),
    );
  };
}
