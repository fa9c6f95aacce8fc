import { type DocumentNode, Kind, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { fragmentsOf } from '../fragments';
import { countRepresentations, MAX_REPRESENTATIONS } from '../limits';
import { planEntities } from './entities';
import type { Plan, Variables } from './plan';
import { collectFields } from './shape';
import { planUnlink } from './unlink';

/** The fields of the root that are compiled, by the types that they are fields of. */
const PLANS = {
  [OperationTypeNode.QUERY]: { type: 'Query', field: '_entities', plan: planEntities },
  [OperationTypeNode.MUTATION]: { type: 'Mutation', field: 'unlinkIdentity', plan: planUnlink },
  [OperationTypeNode.SUBSCRIPTION]: null,
};

/** Compiles an operation that was executed before. @returns null where it is not one that routers send. */
export function compile(operation: OperationDefinitionNode, document: DocumentNode): Plan | null {
  const { directives = [], variableDefinitions = [] } = operation;
  const known = PLANS[operation.operation];
  // A default would have to be coerced.
  const isPlain =
    directives.length === 0 && variableDefinitions.every(({ defaultValue }) => defaultValue === undefined);
  if (known === null || !isPlain) return null;
  const fragments = fragmentsOf(document);
  const root = collectFields([operation.selectionSet], new Set([known.type]), fragments);
  const [entry, ...others] = root ?? [];
  if (entry === undefined || others.length > 0) return null;
  const [responseName, nodes] = entry;
  if (nodes[0].name.value !== known.field) return null;
  const plan = known.plan(`{"data":{${JSON.stringify(responseName)}:`, nodes, fragments);
  const required = variableDefinitions
    .filter(({ type }) => type.kind === Kind.NON_NULL_TYPE)
    .map(({ variable }) => variable.name.value);
  const isRefused = (variables: Variables): boolean =>
    required.some((name) => (variables[name] ?? null) === null) ||
    (known.field === '_entities' && countRepresentations(fragments, operation, variables) > MAX_REPRESENTATIONS);
  return plan && ((variables, identities) => (isRefused(variables) ? null : plan(variables, identities)));
}
