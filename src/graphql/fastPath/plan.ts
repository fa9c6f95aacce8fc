import { type FieldNode, Kind, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import type { Identities } from '../../identities';
import type { Fragments } from '../fragments';
import { planEntities } from './entities';
import { collectFields } from './shape';
import { planUnlink } from './unlink';

/**
 * Answers one operation, compiled for it.
 *
 * @returns The body of the answer; null where graphql-js has to answer. What was done by then is remembered by `identities`,
 *   so that nothing is read twice, and nothing is unlinked twice.
 */
export type Plan = (variables: Readonly<Record<string, unknown>>, identities: Identities) => Promise<Buffer | null>;

/** Compiles an operation that has passed validation. @returns null where it is not one that routers send. */
export function compile(operation: OperationDefinitionNode, fragments: Fragments): Plan | null {
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  // A default would have to be coerced.
  if ((operation.directives?.length ?? 0) > 0 || operation.variableDefinitions?.some(hasDefault) === true) return null;
  const root = collectFields([operation.selectionSet], new Set([isMutation ? 'Mutation' : 'Query']), fragments);
  const [entry, ...others] = root ?? [];
  if (entry === undefined || others.length > 0) return null;
  const [responseName, nodes] = entry;
  const plan = PLANS[nodes[0].name.value];
  return plan === undefined ? null : plan(`{"data":{${JSON.stringify(responseName)}:`, nodes, fragments);
}

const PLANS: Readonly<
  Record<string, (key: string, nodes: readonly [FieldNode, ...FieldNode[]], fragments: Fragments) => Plan | null>
> = { _entities: planEntities, unlinkIdentity: planUnlink };

function hasDefault({ defaultValue }: { defaultValue?: unknown }): boolean {
  return defaultValue !== undefined;
}

/** The variable that an argument is given by. @returns null where it is given otherwise. */
export function variableOf({ arguments: args = [] }: FieldNode, argument: string): string | null {
  const value = args.find(({ name }) => name.value === argument)?.value;
  return value?.kind === Kind.VARIABLE ? value.name.value : null;
}
