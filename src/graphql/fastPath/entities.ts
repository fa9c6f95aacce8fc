import { Kind, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import type { Identities } from '../../identities';
import type { Fragments } from '../fragments';
import { collectFields, selectionSetsOf, userWriter, writeList } from './shape';

/**
 * Answers one operation, compiled for it.
 *
 * @returns The text of `data`, or null where graphql-js has to answer. What was read by then is remembered by `identities`,
 *   so that nothing is read twice.
 */
export type Plan = (variables: Readonly<Record<string, unknown>>, identities: Identities) => Promise<string | null>;

/** Compiles what routers send for `User.identities`. @returns null for any other operation. */
export function compileEntities(operation: OperationDefinitionNode, fragments: Fragments): Plan | null {
  if (operation.operation !== OperationTypeNode.QUERY || (operation.directives?.length ?? 0) > 0) return null;
  const root = collectFields([operation.selectionSet], new Set(['Query']), fragments);
  const [entry, ...others] = root ?? [];
  if (entry === undefined || others.length > 0) return null;
  const [responseName, nodes] = entry;
  const [argument] = nodes[0].arguments ?? [];
  if (nodes[0].name.value !== '_entities' || argument?.value.kind !== Kind.VARIABLE) return null;
  const variable = argument.value.name.value;
  const definition = operation.variableDefinitions?.find((candidate) => candidate.variable.name.value === variable);
  // A default would have to be read, and any other type would have to be coerced.
  if (
    definition === undefined ||
    definition.defaultValue !== undefined ||
    operation.variableDefinitions?.length !== 1
  ) {
    return null;
  }
  const fields = collectFields(selectionSetsOf(nodes), new Set(['User', '_Entity']), fragments);
  const write = fields && userWriter(fields, fragments);
  if (write === null) return null;
  const key = `{${JSON.stringify(responseName)}:`;
  return async (variables, identities) => {
    const userIds = userIdsOf(variables[variable]);
    const users = userIds && (await identities.many(userIds));
    if (users === null) return null;
    return `${key}${writeList(users, (user) => (user === null ? 'null' : write(user)))}}`;
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
