import { type DocumentNode, Kind, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { JsonWriter } from '../../json';
import { type Fragments, fragmentsOf } from '../fragments';
import { countRepresentations, MAX_REPRESENTATIONS } from '../limits';
import { planEntities } from './entities';
import { collectFields } from './fields';
import { type Execution, FieldErrors, type FieldNodes, type FieldPlan, type Plan, type Variables } from './plan';
import { planUnlink } from './unlink';

interface CompiledField {
  type: 'Query' | 'Mutation';
  name: string;
  /** Whether the field is nullable. If not, its error makes `data` null. */
  isNullable: boolean;
  plan: (nodes: FieldNodes, fragments: Fragments) => FieldPlan | null;
}

const COMPILED_FIELDS: Readonly<Record<OperationTypeNode, CompiledField | null>> = {
  [OperationTypeNode.QUERY]: { type: 'Query', name: '_entities', isNullable: false, plan: planEntities },
  [OperationTypeNode.MUTATION]: { type: 'Mutation', name: 'unlinkIdentity', isNullable: true, plan: planUnlink },
  [OperationTypeNode.SUBSCRIPTION]: null,
};

/**
 * Compiles an operation that Apollo Server has validated.
 *
 * @returns null if the operation is not of a form that routers send.
 */
export function compile(operation: OperationDefinitionNode, document: DocumentNode): Plan | null {
  const { directives = [], variableDefinitions = [] } = operation;
  const compiled = COMPILED_FIELDS[operation.operation];
  const hasDefaults = variableDefinitions.some(({ defaultValue }) => defaultValue !== undefined);
  if (compiled === null || directives.length > 0 || hasDefaults) return null;
  const fragments = fragmentsOf(document);
  const fields = collectFields([operation.selectionSet], new Set([compiled.type]), fragments);
  const [field, ...otherFields] = fields ?? [];
  if (field === undefined || otherFields.length > 0) return null;
  const [responseName, nodes] = field;
  if (nodes[0].name.value !== compiled.name) return null;
  const plan = compiled.plan(nodes, fragments);
  if (plan === null) return null;
  const required = variableDefinitions
    .filter(({ type }) => type.kind === Kind.NON_NULL_TYPE)
    .map(({ variable }) => variable.name.value);
  const areRejected = (variables: Variables): boolean =>
    required.some((name) => (variables[name] ?? null) === null) ||
    (compiled.name === '_entities' && countRepresentations(fragments, operation, variables) > MAX_REPRESENTATIONS);
  return (variables) => {
    const execute = areRejected(variables) ? null : plan(variables);
    return execute && respond(responseName, nodes, compiled.isNullable, execute);
  };
}

/** Makes the complete response from the execution of the root field. */
function respond(
  responseName: string,
  nodes: FieldNodes,
  isNullable: boolean,
  execute: NonNullable<ReturnType<FieldPlan>>,
): Execution {
  return async (identities, formatFieldError) => {
    const path = [responseName] as const;
    try {
      const errors = new FieldErrors(formatFieldError);
      const write = await execute(identities, path, errors);
      const out = begin(errors);
      out.literal(`{${JSON.stringify(responseName)}:`);
      write(out);
      out.literal('}}');
      return { body: out.take(), errors: errors.formatted, hasValue: true };
    } catch (error) {
      const errors = new FieldErrors(formatFieldError);
      errors.add(error, nodes, path);
      const out = begin(errors);
      out.literal(isNullable ? `{${JSON.stringify(responseName)}:null}}` : 'null}');
      return { body: out.take(), errors: errors.formatted, hasValue: false };
    }
  };
}

/** Writes a response up to the value of `data`. */
function begin({ formatted }: FieldErrors): JsonWriter {
  const out = new JsonWriter();
  out.literal('{');
  if (formatted.length > 0) {
    out.literal('"errors":');
    out.value(formatted);
    out.literal(',');
  }
  out.literal('"data":');
  return out;
}
