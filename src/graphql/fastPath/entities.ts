import { GraphQLError } from 'graphql';
import { ForbiddenError } from '../../callers';
import { InvalidArgumentError } from '../../genauth';
import type { UserRead } from '../../identities';
import type { Fragments } from '../fragments';
import { createRepresentationError, isUserReference } from '../representations';
import { type FieldNodes, type FieldPlan, variableOf } from './plan';
import { compileUser, type UserValue } from './user';

/** Compiles the query by which routers resolve `User.identities`. */
export function planEntities(nodes: FieldNodes, fragments: Fragments): FieldPlan | null {
  const variable = variableOf(nodes[0], 'representations');
  const user = compileUser(nodes, fragments);
  if (variable === null || user === null) return null;
  return (variables) => {
    const representations: unknown = variables[variable];
    // The declared type is `[_Any!]!`. graphql-js makes a list of a single item, and rejects null.
    if (!Array.isArray(representations) || representations.includes(null)) return null;
    return async (identities, path, errors) => {
      const userIds = representations.filter(isUserReference).map(({ id }) => id);
      const [reads, offered] = await Promise.all([
        identities.many(userIds),
        user.needsOffered ? identities.offered() : null,
      ]);
      const rest = reads.values();
      const entities = representations.map((representation): Entity =>
        isUserReference(representation)
          ? { id: representation.id, read: rest.next().value ?? null }
          : { id: '', read: createRepresentationError() },
      );
      const values: (UserValue | null)[] = Array.from({ length: entities.length }, () => null);
      for (const index of inOrderOfErrors(entities)) {
        const { id, read } = entities[index] as Entity;
        values[index] = user.toValue(id, read, { request: identities, offered }, [...path, index], errors);
      }
      return (out) => {
        out.literal('[');
        values.forEach((value, index) => {
          if (index > 0) out.literal(',');
          if (value === null) out.literal('null');
          else user.write(value, out);
        });
        out.literal(']');
      };
    };
  };
}

/** One item of `_entities`. */
interface Entity {
  id: string;
  read: UserRead;
}

/**
 * Returns the indexes of entities in the order in which graphql-js reports their errors: in the order in which they happen.
 * Representations are checked first, then ids, then permissions. Reads end last, those of repeated ids after all others.
 */
function inOrderOfErrors(entities: readonly Entity[]): Iterable<number> {
  if (!entities.some(({ read }) => read instanceof Error)) return entities.keys();
  const ids = new Set<string>();
  const stages = entities.map(({ id, read }) => {
    const isRepeated = ids.has(id);
    ids.add(id);
    if (read instanceof GraphQLError) return 0;
    if (read instanceof InvalidArgumentError) return 1;
    if (read instanceof ForbiddenError) return 2;
    return isRepeated ? 4 : 3;
  });
  return [...entities.keys()].sort((a, b) => (stages[a] ?? 0) - (stages[b] ?? 0));
}
