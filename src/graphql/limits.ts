import type { ApolloServerPlugin } from '@apollo/server';
import {
  type ASTNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  type TypeNode,
  type ValidationRule,
  visit,
} from 'graphql';
import type { Context } from './context';

export interface Limits {
  /** Mutation fields in one operation, fragments expanded. */
  maxMutationFields: number;
}

const MAX_DEPTH = 15;
const MAX_ALIASES = 30;
const MAX_DIRECTIVES = 50;
/** Over all `_entities` fields of one operation. */
const MAX_REPRESENTATIONS = 1_000;

/**
 * Refuses documents that are larger than any client's. It looks at a document before all other rules, and keeps it from
 * them: some of those take a time that grows with the square of a document.
 */
export function limitDocument({ maxMutationFields }: Limits): ValidationRule {
  return (context) => ({
    Document: {
      enter(document): null | undefined {
        const excess = findExcess(document, maxMutationFields);
        if (excess === null) return undefined;
        context.reportError(refusal('GRAPHQL_VALIDATION_FAILED', excess));
        // Takes the document out of the visit that all rules share.
        return null;
      },
    },
  });
}

/** Refuses variables that are more than any client's, or that have lost what they meant on their way. */
export function limitVariables(): ApolloServerPlugin<Context> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        async didResolveOperation({ operation, request }): Promise<void> {
          if (operation === undefined) return;
          const variables = request.variables ?? {};
          const number = operation.variableDefinitions?.find(
            ({ variable, type }) => isId(type) && holdsNumber(variables[variable.name.value]),
          );
          if (number !== undefined) throw refusal('BAD_USER_INPUT', 'ID_NOT_A_STRING');
          if (countRepresentations(operation, variables) > MAX_REPRESENTATIONS) {
            throw refusal('BAD_USER_INPUT', 'MAX_REPRESENTATIONS');
          }
        },
      }),
  };
}

const MESSAGES = {
  MAX_DEPTH: `The document is deeper than ${MAX_DEPTH} fields.`,
  MAX_ALIASES: `The document has more than ${MAX_ALIASES} aliases.`,
  MAX_DIRECTIVES: `The document has more than ${MAX_DIRECTIVES} directives.`,
  TOO_MANY_MUTATIONS: 'The operation has more mutation fields than it may.',
  MAX_REPRESENTATIONS: `The operation asks for more than ${MAX_REPRESENTATIONS} representations.`,
  // A JSON number has lost the digits of a long id before anybody can look at it.
  ID_NOT_A_STRING: 'A variable of type ID must be a string.',
} as const;

type Excess = keyof typeof MESSAGES;

function refusal(code: 'GRAPHQL_VALIDATION_FAILED' | 'BAD_USER_INPUT', excess: Excess): LimitError {
  return new LimitError(MESSAGES[excess], {
    extensions: { code, validationErrorCode: excess, http: { status: 400 } },
  });
}

/** A refusal whose words are our own, so that they may be told. */
export class LimitError extends GraphQLError {}

function findExcess(document: DocumentNode, maxMutationFields: number): Excess | null {
  let aliases = 0;
  let directives = 0;
  visit(document, {
    Field: ({ alias }) => void (aliases += alias === undefined ? 0 : 1),
    Directive: () => void (directives += 1),
  });
  if (aliases > MAX_ALIASES) return 'MAX_ALIASES';
  if (directives > MAX_DIRECTIVES) return 'MAX_DIRECTIVES';
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
  }
  const measure = createMeasure(fragments);
  if (operations.some(({ selectionSet }) => measure(selectionSet).depth > MAX_DEPTH)) return 'MAX_DEPTH';
  const mutations = operations.filter(({ operation }) => operation === OperationTypeNode.MUTATION);
  if (mutations.some(({ selectionSet }) => measure(selectionSet).fields > maxMutationFields))
    return 'TOO_MANY_MUTATIONS';
  return null;
}

interface Size {
  /** Fields below one another. */
  depth: number;
  /** Fields beside one another. */
  fields: number;
}

/** Measures with fragments expanded, each of them once. A fragment inside itself adds nothing: another rule refuses it. */
function createMeasure(fragments: ReadonlyMap<string, FragmentDefinitionNode>): (selections: SelectionSetNode) => Size {
  const known = new Map<string, Size>();
  const measureFragment = (name: string): Size => {
    const before = known.get(name);
    if (before !== undefined) return before;
    known.set(name, { depth: 0, fields: 0 });
    const fragment = fragments.get(name);
    const size = fragment === undefined ? { depth: 0, fields: 0 } : measure(fragment.selectionSet);
    known.set(name, size);
    return size;
  };
  const measure = ({ selections }: SelectionSetNode): Size => {
    let depth = 0;
    let fields = 0;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        fields += 1;
        const below = selection.selectionSet === undefined ? 0 : measure(selection.selectionSet).depth;
        depth = Math.max(depth, 1 + below);
        continue;
      }
      const inside =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? measureFragment(selection.name.value)
          : measure(selection.selectionSet);
      depth = Math.max(depth, inside.depth);
      fields += inside.fields;
    }
    return { depth, fields };
  };
  return measure;
}

function countRepresentations(
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  let count = 0;
  visit(operation satisfies ASTNode, {
    Field: ({ name, arguments: args }: FieldNode) => {
      if (name.value !== '_entities') return;
      for (const { value } of args ?? []) {
        const list: unknown =
          value.kind === Kind.VARIABLE ? variables[value.name.value] : value.kind === Kind.LIST ? value.values : [];
        if (Array.isArray(list)) count += list.length;
      }
    },
  });
  return count;
}

function isId(type: TypeNode): boolean {
  return type.kind === Kind.NAMED_TYPE ? type.name.value === 'ID' : isId(type.type);
}

function holdsNumber(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsNumber) : typeof value === 'number';
}
