import { type DocumentNode, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { costOf } from '../cost';
import { type Fragments, fragmentsOf } from '../fragments';
import { excessOf } from '../limits';
import { compileEntities } from './entities';
import { collectFields, conditionsOf, type FieldNodes } from '../selections';
import type { CompileRoots, Plan, RootExecution, RootField } from './plan';
import { type PreparedField, respond } from './respond';
import { compileIdentitySources } from './sources';
import { compileUnlinks } from './unlink';
import { compileIdentityUsers, compileUsersByIdentity } from './userLists';
import { compileVariables, type Values } from './variables';

interface RootType {
  name: 'Query' | 'Mutation';
  /** The fields that are compiled. An operation that selects two of them is executed by graphql-js. */
  fields: ReadonlyMap<string, RootCompiler>;
}

interface RootCompiler {
  /** Compiles all fields of this name in one operation. */
  compile: CompileRoots;
  /** Whether the field is nullable. If not, its error makes `data` null. */
  isNullable: boolean;
}

const ROOT_TYPES: Readonly<Record<OperationTypeNode, RootType | null>> = {
  [OperationTypeNode.QUERY]: {
    name: 'Query',
    fields: new Map([
      ['_entities', { compile: compileEntities, isNullable: false }],
      ['identityUsers', { compile: compileIdentityUsers, isNullable: false }],
      ['usersByIdentity', { compile: compileUsersByIdentity, isNullable: false }],
      ['identitySources', { compile: compileIdentitySources, isNullable: true }],
    ]),
  },
  [OperationTypeNode.MUTATION]: {
    name: 'Mutation',
    fields: new Map([['unlinkIdentity', { compile: compileUnlinks, isNullable: true }]]),
  },
  [OperationTypeNode.SUBSCRIPTION]: null,
};

/** Maximum number of variants of one operation, which differ in the values of `@skip` and `@include`. */
const MAX_VARIANTS = 32;

/**
 * Compiles an operation that Apollo Server has validated.
 *
 * @returns null if the operation is not of a form that routers send.
 */
export function compile(operation: OperationDefinitionNode, document: DocumentNode): Plan | null {
  const rootType = ROOT_TYPES[operation.operation];
  const variablesOf = compileVariables(operation.variableDefinitions ?? []);
  if (rootType === null || variablesOf === null || (operation.directives?.length ?? 0) > 0) return null;
  const fragments = fragmentsOf(document);
  const cost = costOf(operation, fragments);
  const conditions = conditionsOf([operation.selectionSet], fragments);
  const variants = new Map<string, Variant | null>();
  const variantFor = (values: Values): Variant | null => {
    const key = conditions.length === 0 ? '' : conditions.map((name) => String(values.get(name))).join();
    let variant = variants.get(key);
    if (variant === undefined) {
      variant = compileVariant(operation, rootType, fragments, values);
      if (variants.size < MAX_VARIANTS) variants.set(key, variant);
    }
    return variant;
  };
  if (conditions.length === 0 && variantFor(new Map()) === null) return null;
  return (variables, identities) => {
    const values = variablesOf(variables);
    if (values === null) return null;
    const fields = variantFor(values)?.(values) ?? null;
    if (fields === null) return null;
    if (excessOf(cost(variables, (userId) => identities.mayRead(userId))) !== null) return null;
    return respond(fields);
  };
}

/** Prepares the execution of an operation whose conditions are known. @returns null if graphql-js has to execute it. */
type Variant = (values: Values) => readonly PreparedField[] | null;

function compileVariant(
  operation: OperationDefinitionNode,
  { name: typeName, fields: compilers }: RootType,
  fragments: Fragments,
  conditions: Values,
): Variant | null {
  const selecting = { fragments, conditions };
  const collected = collectFields([operation.selectionSet], new Set([typeName]), selecting);
  if (collected === null) return null;
  const groups = groupByName(collected);
  // The reads of different fields would have to be made together, as graphql-js does.
  if ([...groups.keys()].filter((name) => name !== '__typename').length > 1) return null;
  const plans = [...groups].map(([name, fields]) => {
    const roots = name === '__typename' ? compileTypename(typeName) : compilers.get(name)?.compile;
    return { fields, plan: roots?.(fields, selecting) ?? null };
  });
  if (plans.some(({ plan }) => plan === null)) return null;
  const order = [...collected].map(([responseName, nodes]) => {
    const isNullable = compilers.get(nodes[0].name.value)?.isNullable ?? false;
    return { responseName, key: `${JSON.stringify(responseName)}:`, nodes, isNullable };
  });
  return (values) => {
    const executions = new Map<string, RootExecution>();
    for (const { fields, plan } of plans) {
      const prepared = plan?.(values) ?? null;
      if (prepared === null) return null;
      fields.forEach(({ responseName }, index) => executions.set(responseName, prepared[index] as RootExecution));
    }
    return order.map(({ responseName, key, nodes, isNullable }) => {
      return { responseName, key, nodes, isNullable, execute: executions.get(responseName) as RootExecution };
    });
  };
}

function groupByName(collected: ReadonlyMap<string, FieldNodes>): Map<string, RootField[]> {
  const groups = new Map<string, RootField[]>();
  for (const [responseName, nodes] of collected) {
    const name = nodes[0].name.value;
    const group = groups.get(name) ?? [];
    group.push({ responseName, nodes });
    groups.set(name, group);
  }
  return groups;
}

function compileTypename(typeName: string): CompileRoots {
  return (fields) => () => fields.map(() => () => (out) => out.literal(`"${typeName}"`));
}
