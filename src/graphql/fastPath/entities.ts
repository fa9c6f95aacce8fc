import { GraphQLError } from 'graphql';
import { ForbiddenError } from '../../callers';
import { InvalidArgumentError } from '../../genauth';
import type { Identities, PoolNeeds, UserRead } from '../../identities';
import { LARGE, pace } from '../pace';
import { createRepresentationError, isUserReference } from '../representations';
import { ResponseTooLargeError } from '../responseSize';
import type { FieldNodes } from '../selections';
import { allNeeds } from './identities';
import type { CompileRoots, RootExecution, RootWriter, Run } from './plan';
import { compileUser, UNREAD, type UserPlan, type UserValue } from './user';
import { compileArgument, type Argument } from './variables';

/** One `_entities` field. Routers combine several in one operation. */
interface EntitiesField {
  responseName: string;
  nodes: FieldNodes;
  representations: Argument;
  user: UserPlan;
}

/** Compiles the `_entities` fields of a query. All of them are read together. */
export const compileEntities: CompileRoots = (fields, selecting) => {
  const compiled: EntitiesField[] = [];
  for (const { responseName, nodes } of fields) {
    const representations = compileArgument(nodes[0], 'representations');
    const user = compileUser(nodes, selecting);
    if (representations === null || user === null) return null;
    compiled.push({ responseName, nodes, representations, user });
  }
  const needs = allNeeds(compiled.map(({ user }) => user.needs));
  return (values) => {
    const entities: Entity[] = [];
    const lists: number[] = [];
    for (const field of compiled) {
      const representations: unknown = field.representations(values);
      if (!Array.isArray(representations)) return null;
      representations.forEach((representation: unknown, index) => entities.push({ field, index, representation }));
      lists.push(representations.length);
    }
    let all: Promise<(UserValue | null)[]> | undefined;
    let first = 0;
    return compiled.map(({ user }, index): RootExecution => {
      const start = first;
      first += lists[index] ?? 0;
      const end = first;
      return async (run) => {
        all ??= readAll(entities, needs, run);
        return writeList((await all).slice(start, end), user);
      };
    });
  };
};

/** One item of an `_entities` field. */
interface Entity {
  field: EntitiesField;
  /** Position in the field's list. */
  index: number;
  representation: unknown;
}

/** Reads all entities, and adds their errors in the order in which graphql-js does. */
async function readAll(
  entities: readonly Entity[],
  needs: PoolNeeds,
  { identities, errors }: Run,
): Promise<(UserValue | null)[]> {
  const isLarge = entities.length > LARGE;
  if (isLarge) await pace.restIfDue();
  const userIds: string[] = [];
  for (const { representation, field } of entities) {
    if (field.user.isRead && isUserReference(representation)) userIds.push(representation.id);
  }
  // Begun before the users are read. It never fails.
  const readingPool = identities.pool.read(needs);
  const read = userIds.length === 0 ? [] : await identities.many(userIds);
  const pool = await readingPool;
  if (isLarge) await pace.restIfDue();
  let next = 0;
  const results = entities.map(({ representation, field }): UserRead | typeof UNREAD => {
    if (!isUserReference(representation)) return createRepresentationError();
    return field.user.isRead ? (read[next++] ?? null) : checkId(representation.id, identities);
  });
  const values = new Array<UserValue | null>(entities.length).fill(null);
  const sources = { request: identities, pool };
  const order = inOrderOfErrors(entities, results);
  for (let at = 0; at < entities.length; at++) {
    const position = order?.[at] ?? at;
    const { field, index, representation } = entities[position] as Entity;
    const id = isUserReference(representation) ? representation.id : '';
    values[position] = field.user.toValue(id, results[position] ?? null, sources, [field.responseName, index], errors);
    if (pace.isDue) await pace.rest();
  }
  return values;
}

function checkId(userId: string, identities: Identities): Error | typeof UNREAD {
  try {
    identities.checkId(userId);
    return UNREAD;
  } catch (error) {
    return error as Error;
  }
}

export function writeList(values: readonly (UserValue | null)[], user: UserPlan): RootWriter {
  return async (out) => {
    out.literal('[');
    for (const [index, value] of values.entries()) {
      if (index > 0) out.literal(',');
      if (value === null) out.literal('null');
      else if (!out.writeWithin(() => user.write(value, out))) throw new ResponseTooLargeError();
      if (pace.isDue) await pace.rest();
    }
    out.literal(']');
  };
}

/**
 * Returns the positions of entities in the order in which graphql-js reports their errors: in the order in which they happen.
 * Representations are checked first, then ids, then permissions. Reads end last, those of repeated ids after all others.
 *
 * @returns null if there are no errors.
 */
function inOrderOfErrors(
  entities: readonly Entity[],
  results: readonly (UserRead | typeof UNREAD)[],
): readonly number[] | null {
  if (!results.some((result) => result instanceof Error)) return null;
  const ids = new Set<string>();
  const stages = entities.map(({ representation }, position) => {
    const result = results[position];
    if (result instanceof GraphQLError) return 0;
    if (result instanceof InvalidArgumentError) return 1;
    if (result instanceof ForbiddenError) return 2;
    const id = isUserReference(representation) ? representation.id : '';
    const isRepeated = ids.has(id);
    ids.add(id);
    return isRepeated ? 4 : 3;
  });
  return [...entities.keys()].sort((a, b) => (stages[a] ?? 0) - (stages[b] ?? 0));
}
