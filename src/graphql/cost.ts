import { type FieldNode, Kind, type OperationDefinitionNode, type ValueNode, valueFromASTUntyped } from 'graphql';
import { type Fragments, rootFieldsOf } from './fragments';
import { isUserReference } from './representations';

/** Maximum number of distinct users in one operation. */
export const MAX_USERS = 1_000;

/** Maximum cost of one operation, in values of the response. One value takes 0.1 to 1 µs of CPU time. */
export const MAX_COST = 100_000;

/**
 * Maximum cost of an operation whose fields are timed for a router (`ftv1`). A timed value takes 20 µs, and a user can have
 * several identities. Costlier operations are executed without timings, because routers can do without them.
 */
export const MAX_TRACED_COST = 1_000;

/** The cost of an error. With its message, locations, path and code it takes up to 50 µs, as much as many values. */
const ERROR_COST = 25;

/** The cost of the SDL, which has some 15 000 characters. */
const SDL_COST = 1_000;

/** The size of an operation. */
export interface Cost {
  /** The number of distinct users. A representation that is not a reference to a user counts as a user of its own. */
  users: number;
  /** The number of values. @see MAX_COST */
  values: number;
}

/**
 * Computes the cost of an operation for the variables of one request.
 *
 * @param mayRead Whether the caller may read a user. If not, each field that reads the user costs an error.
 */
export type CostOf = (variables: Readonly<Record<string, unknown>>, mayRead: (userId: string) => boolean) => Cost;

/** A root field. */
interface RootCost {
  /** Returns the users that an argument asks for. Null: the field is about one user, or none. */
  users: ((variables: Readonly<Record<string, unknown>>) => readonly unknown[]) | null;
  /** The number of fields below, fragments expanded. */
  fields: number;
  /** The number of fields directly below that have to be read. Each of them has an error of its own. */
  reads: number;
  /** Whether the items of the list name users. Accounts do not. */
  namesUsers: boolean;
}

/**
 * Prepares the computation of an operation's cost: the users of each root field, multiplied by the fields selected below it.
 * Only the lengths of lists are left for each request.
 *
 * Directives are ignored: a field that is skipped counts.
 */
export function costOf(operation: OperationDefinitionNode, fragments: Fragments): CostOf {
  const fieldsBelow = createFieldCount(fragments);
  const roots = rootFieldsOf(operation, fragments).map((field): RootCost => {
    const argument = field.arguments?.find(({ value }) => isList(value, operation));
    const { all, reads } = fieldsBelow(field);
    return {
      users: argument === undefined ? null : usersOf(argument.value, operation),
      fields: field.name.value === '_service' ? SDL_COST : all,
      reads,
      namesUsers: field.name.value !== 'usersByIdentity',
    };
  });
  return (variables, mayRead) => {
    let values = 0;
    let worst = 0;
    let count = 0;
    const lists = roots.map(({ users, fields, reads }) => {
      const list = users?.(variables);
      const length = list?.length ?? 1;
      values += length * fields;
      worst += length * Math.max(1, reads) * ERROR_COST;
      count += list?.length ?? 0;
      return list ?? [];
    });
    if (values <= MAX_COST && values + worst > MAX_COST) values += costOfErrors(roots, lists, mayRead);
    return { users: count > MAX_USERS ? countDistinct(lists) : count, values };
  };
}

/** The errors that are known before anything is read. */
function costOfErrors(
  roots: readonly RootCost[],
  lists: readonly (readonly unknown[])[],
  mayRead: (userId: string) => boolean,
): number {
  let errors = 0;
  lists.forEach((list, index) => {
    const { reads = 0, namesUsers = false } = roots[index] ?? {};
    for (const item of namesUsers ? list : []) {
      const userId = userIdOf(item);
      if (userId === null) errors += 1;
      else if (!mayRead(userId)) errors += Math.max(1, reads);
    }
  });
  return errors * ERROR_COST;
}

function countDistinct(lists: readonly (readonly unknown[])[]): number {
  const ids = new Set<string>();
  let others = 0;
  for (const item of lists.flat()) {
    const userId = userIdOf(item);
    if (userId === null) others += 1;
    else ids.add(userId);
  }
  return ids.size + others;
}

/** Returns the id of a user in a list of representations or of ids. */
function userIdOf(item: unknown): string | null {
  if (typeof item === 'string') return item;
  return isUserReference(item) ? item.id : null;
}

/** Fields that are known from the request. */
const KNOWN: ReadonlySet<string> = new Set(['__typename', 'id']);

interface FieldCount {
  all: number;
  /** The number of fields directly below that have to be read. */
  reads: number;
}

/** Counts the fields below a field, with fragments expanded. Each fragment is counted once. */
function createFieldCount(fragments: Fragments): (field: Pick<FieldNode, 'selectionSet'>) => FieldCount {
  const ofFragments = new Map<string, FieldCount>();
  const count = ({ selectionSet }: Pick<FieldNode, 'selectionSet'>): FieldCount => {
    const sum = { all: 0, reads: 0 };
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        sum.all += 1 + count(selection).all;
        sum.reads += KNOWN.has(selection.name.value) ? 0 : 1;
        continue;
      }
      const inside = selection.kind === Kind.FRAGMENT_SPREAD ? ofFragment(selection.name.value) : count(selection);
      sum.all += inside.all;
      sum.reads += inside.reads;
    }
    return sum;
  };
  const ofFragment = (name: string): FieldCount => {
    let counted = ofFragments.get(name);
    if (counted === undefined) {
      const fragment = fragments.get(name);
      counted = fragment === undefined ? { all: 0, reads: 0 } : count(fragment);
      ofFragments.set(name, counted);
    }
    return counted;
  };
  return count;
}

/** Whether an argument is a list: by its literal, or by the type of its variable. A representation is a list of one. */
function isList(value: ValueNode, operation: OperationDefinitionNode): boolean {
  if (value.kind !== Kind.VARIABLE) return value.kind === Kind.LIST || value.kind === Kind.OBJECT;
  const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === value.name.value);
  const type = definition?.type.kind === Kind.NON_NULL_TYPE ? definition.type.type : definition?.type;
  return (
    type !== undefined &&
    (type.kind === Kind.LIST_TYPE || (type.kind === Kind.NAMED_TYPE && type.name.value === '_Any'))
  );
}

function usersOf(value: ValueNode, operation: OperationDefinitionNode): NonNullable<RootCost['users']> {
  if (value.kind !== Kind.VARIABLE) {
    const list = toList(valueFromASTUntyped(value));
    return () => list;
  }
  const name = value.name.value;
  const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name);
  const byDefault = definition?.defaultValue === undefined ? [] : toList(valueFromASTUntyped(definition.defaultValue));
  return (variables) => {
    const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
    return given === undefined ? byDefault : toList(given);
  };
}

function toList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === null || value === undefined ? [] : [value];
}
