import type { FieldNode } from 'graphql';
import { JsonWriter } from '../../json';
import type { Fragments } from '../fragments';
import { type Plan, variableOf } from './plan';
import { userWriter } from './shape';

const TYPES: ReadonlySet<string> = new Set(['User', '_Entity']);

/** Compiles what routers send for `User.identities`. @param key What the answer begins with. */
export function planEntities(
  key: string,
  nodes: readonly [FieldNode, ...FieldNode[]],
  fragments: Fragments,
): Plan | null {
  const variable = variableOf(nodes[0], 'representations');
  const write = userWriter(nodes, TYPES, fragments);
  if (variable === null || write === null) return null;
  return async (variables, identities) => {
    const userIds = userIdsOf(variables[variable]);
    const users = userIds && (await identities.many(userIds));
    if (users === null) return null;
    const out = new JsonWriter();
    out.literal(key);
    out.literal('[');
    users.forEach((user, index) => {
      if (index > 0) out.literal(',');
      if (user === null) out.literal('null');
      else write(user, out);
    });
    out.literal(']}}');
    // Decision 0015.
    users.length = 0;
    return { body: out.take() };
  };
}

/** @returns null where one of the representations is not a user by its id alone. */
function userIdsOf(representations: unknown): string[] | null {
  if (!Array.isArray(representations)) return null;
  const userIds: string[] = [];
  for (const representation of representations as readonly unknown[]) {
    if (typeof representation !== 'object' || representation === null) return null;
    const { __typename, id } = representation as { __typename?: unknown; id?: unknown };
    if (__typename !== 'User' || typeof id !== 'string') return null;
    userIds.push(id);
  }
  return userIds;
}
