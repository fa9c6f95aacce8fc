import type { ApolloServerPlugin } from '@apollo/server';
import {
  type DocumentNode,
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
import { type Cost, type CostOf, costOf, MAX_COST, MAX_TRACED_COST, MAX_USERS } from './cost';
import { requestsTimings } from './fieldTimings';
import { type Fragments, fragmentsOf } from './fragments';

export interface Limits {
  /** Maximum number of mutation fields in one operation, with fragments expanded. */
  maxMutationFields: number;
}

const MAX_DEPTH = 15;
/** Not counted on `_entities`: routers add aliases and directives there when they combine operations. */
const MAX_ALIASES = 500;
const MAX_DIRECTIVES = 500;
/** Maximum number of selections in one operation, with fragments expanded. */
const MAX_SELECTIONS = 10_000;

/**
 * Rejects documents that exceed the limits. It runs before all other validation rules, and excludes them from such a document:
 * the time that some of them take grows with the square of the document's size.
 */
export function limitDocument({ maxMutationFields }: Limits): ValidationRule {
  return (context) => ({
    Document: {
      enter(document): null | undefined {
        const excess = findExcess(document, maxMutationFields);
        if (excess === null) return undefined;
        context.reportError(createLimitError('GRAPHQL_VALIDATION_FAILED', excess));
        // Skips the document in the visitor that all rules share.
        return null;
      },
    },
  });
}

/**
 * Rejects operations that exceed the limits for their variables, and ids that are JSON numbers. Decides whether the timings of
 * fields are measured.
 */
export function limitVariables({ inlineTrace }: { inlineTrace: boolean }): ApolloServerPlugin<Context> {
  const costs = new WeakMap<OperationDefinitionNode, CostOf>();
  return {
    requestDidStart: () =>
      Promise.resolve({
        async didResolveOperation({ document, operation, request, contextValue }): Promise<void> {
          if (operation === undefined) return;
          // The schema has no subscription type. The executor would report an internal error.
          if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
            throw createLimitError('GRAPHQL_VALIDATION_FAILED', 'NO_SUBSCRIPTIONS');
          }
          const variables = request.variables ?? {};
          const number = operation.variableDefinitions?.find(
            ({ variable, type }) => isId(type) && holdsNumber(variables[variable.name.value]),
          );
          if (number !== undefined) throw createLimitError('BAD_USER_INPUT', 'ID_NOT_A_STRING');
          const compute = costs.get(operation) ?? costOf(operation, fragmentsOf(document));
          costs.set(operation, compute);
          const { identities } = contextValue;
          const cost = compute(variables, (userId) => identities.mayRead(userId));
          const excess = excessOf(cost);
          if (excess !== null) throw createLimitError('BAD_USER_INPUT', excess);
          contextValue.isTraced =
            inlineTrace && cost.values <= MAX_TRACED_COST && requestsTimings((name) => request.http?.headers.get(name));
        },
      }),
  };
}

/** Returns the limit that an operation exceeds, or null. */
export function excessOf({ users, values }: Cost): 'MAX_REPRESENTATIONS' | 'MAX_COST' | null {
  if (users > MAX_USERS) return 'MAX_REPRESENTATIONS';
  return values > MAX_COST ? 'MAX_COST' : null;
}

const MESSAGES = {
  MAX_DEPTH: `The document is deeper than ${MAX_DEPTH} fields.`,
  MAX_ALIASES: `The document has more than ${MAX_ALIASES} aliases.`,
  MAX_DIRECTIVES: `The document has more than ${MAX_DIRECTIVES} directives.`,
  MAX_SELECTIONS: `The document selects more than ${MAX_SELECTIONS} fields.`,
  NO_SUBSCRIPTIONS: 'There is nothing to subscribe to.',
  TOO_MANY_MUTATIONS: 'The operation has more mutation fields than it may.',
  MAX_REPRESENTATIONS: `The operation asks for more than ${MAX_USERS} users.`,
  MAX_COST: `The operation asks for more than ${MAX_COST} values. An error counts as several.`,
  // A JSON parser drops digits of long numbers.
  ID_NOT_A_STRING: 'A variable of type ID must be a string.',
} as const;

type Excess = keyof typeof MESSAGES;

function createLimitError(code: 'GRAPHQL_VALIDATION_FAILED' | 'BAD_USER_INPUT', excess: Excess): LimitError {
  return new LimitError(MESSAGES[excess], {
    extensions: { code, validationErrorCode: excess, http: { status: 400 } },
  });
}

/** An error whose message contains nothing from the request, so that callers may receive it. */
export class LimitError extends GraphQLError {}

function findExcess(document: DocumentNode, maxMutationFields: number): Excess | null {
  const { aliases, directives } = countMarks(document);
  if (aliases > MAX_ALIASES) return 'MAX_ALIASES';
  if (directives > MAX_DIRECTIVES) return 'MAX_DIRECTIVES';
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const measure = createMeasure(fragmentsOf(document));
  if (operations.some(({ selectionSet }) => measure(selectionSet).depth > MAX_DEPTH)) return 'MAX_DEPTH';
  if (operations.some(({ selectionSet }) => measure(selectionSet).selections > MAX_SELECTIONS)) return 'MAX_SELECTIONS';
  const mutations = operations.filter(({ operation }) => operation === OperationTypeNode.MUTATION);
  if (mutations.some(({ selectionSet }) => measure(selectionSet).fields > maxMutationFields))
    return 'TOO_MANY_MUTATIONS';
  return null;
}

/** Counts aliases and directives, without those of `_entities`. */
function countMarks(document: DocumentNode): { aliases: number; directives: number } {
  let aliases = 0;
  let directives = 0;
  let isQuery = false;
  let depth = 0;
  visit(document, {
    OperationDefinition: ({ operation }) => void (isQuery = operation === OperationTypeNode.QUERY),
    FragmentDefinition: ({ typeCondition }) => void (isQuery = typeCondition.name.value === 'Query'),
    Directive: () => void (directives += 1),
    Field: {
      enter(field): void {
        const isRouters = isQuery && depth === 0 && field.name.value === '_entities';
        aliases += field.alias === undefined || isRouters ? 0 : 1;
        directives -= isRouters ? (field.directives?.length ?? 0) : 0;
        depth += 1;
      },
      leave: () => void (depth -= 1),
    },
  });
  return { aliases, directives };
}

interface Size {
  /** The maximum number of nested fields. */
  depth: number;
  /** The number of fields at the top level. */
  fields: number;
  /** The total number of selections, including fragment spreads and inline fragments. */
  selections: number;
}

const EMPTY: Size = { depth: 0, fields: 0, selections: 0 };

/**
 * Creates a function that measures selections with fragments expanded. Each fragment is measured once. A fragment that contains
 * itself adds nothing, because another rule rejects it.
 */
function createMeasure(fragments: Fragments): (selections: SelectionSetNode) => Size {
  const measured = new Map<string, Size>();
  const measureFragment = (name: string): Size => {
    const previous = measured.get(name);
    if (previous !== undefined) return previous;
    measured.set(name, EMPTY);
    const fragment = fragments.get(name);
    const size = fragment === undefined ? EMPTY : measure(fragment.selectionSet);
    measured.set(name, size);
    return size;
  };
  const measure = ({ selections }: SelectionSetNode): Size => {
    let depth = 0;
    let fields = 0;
    let total = selections.length;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        fields += 1;
        const below = selection.selectionSet === undefined ? EMPTY : measure(selection.selectionSet);
        depth = Math.max(depth, 1 + below.depth);
        total += below.selections;
        continue;
      }
      const inside =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? measureFragment(selection.name.value)
          : measure(selection.selectionSet);
      depth = Math.max(depth, inside.depth);
      fields += inside.fields;
      total += inside.selections;
    }
    return { depth, fields, selections: total };
  };
  return measure;
}

function isId(type: TypeNode): boolean {
  return type.kind === Kind.NAMED_TYPE ? type.name.value === 'ID' : isId(type.type);
}

/** Whether a value is a number, or a list that contains one. Deeper lists than the limit are rejected for their type. */
function holdsNumber(value: unknown, depth = 0): boolean {
  if (!Array.isArray(value)) return typeof value === 'number';
  return depth < MAX_DEPTH && value.some((item) => holdsNumber(item, depth + 1));
}
