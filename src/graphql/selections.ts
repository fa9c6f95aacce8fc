import { type DirectiveNode, type FieldNode, type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';
import type { Fragments } from './fragments';

/** The field nodes that are merged into one field of the response. */
export type FieldNodes = readonly [FieldNode, ...FieldNode[]];

/** The parts of a request that decide which fields an object has in a response. */
export interface Selecting {
  fragments: Fragments;
  /** The values of the variables in `@skip` and `@include`. */
  conditions: ReadonlyMap<string, unknown>;
}

/** The fields of an object by response name, in the order of the response. */
export type Fields = ReadonlyMap<string, FieldNodes>;

/**
 * Collects the fields of an object, and merges those with the same response name. Fields that `@skip` or `@include` leave out
 * are not among them.
 *
 * @param types The object's type, and the abstract types that contain it. Fragments on other types do not apply.
 * @returns null if there is a directive that cannot be decided. graphql-js has to execute the operation then.
 * @see https://spec.graphql.org/October2021/#CollectFields()
 */
export function collectFields(
  selectionSets: readonly SelectionSetNode[],
  types: ReadonlySet<string>,
  { fragments, conditions }: Selecting,
): Fields | null {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): boolean =>
    selections.every((selection) => {
      const isIncluded = decide(selection.directives ?? [], conditions);
      if (isIncluded !== true) return isIncluded !== null;
      if (selection.kind === Kind.FIELD) {
        const responseName = (selection.alias ?? selection.name).value;
        const nodes = fields.get(responseName);
        if (nodes === undefined) fields.set(responseName, [selection]);
        else nodes.push(selection);
        return true;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (spread.has(selection.name.value)) return true;
        spread.add(selection.name.value);
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      if (fragment === undefined) return false;
      const condition = fragment.typeCondition?.name.value;
      return condition !== undefined && !types.has(condition) ? true : collect(fragment.selectionSet);
    });
  return selectionSets.every(collect) ? fields : null;
}

/** Whether a selection is included. @returns null if that cannot be decided. */
function decide(directives: readonly DirectiveNode[], conditions: Selecting['conditions']): boolean | null {
  let isIncluded = true;
  for (const { name, arguments: [argument] = [] } of directives) {
    const value = argument?.value;
    const condition =
      value?.kind === Kind.VARIABLE
        ? conditions.get(value.name.value)
        : value?.kind === Kind.BOOLEAN
          ? value.value
          : undefined;
    if (typeof condition !== 'boolean' || (name.value !== 'skip' && name.value !== 'include')) return null;
    isIncluded &&= condition === (name.value === 'include');
  }
  return isIncluded;
}

/** Returns the names of the variables that decide which fields are included. */
export function conditionsOf(selectionSets: readonly SelectionSetNode[], fragments: Fragments): string[] {
  const names = new Set<string>();
  const add = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      for (const { arguments: [argument] = [] } of selection.directives ?? []) {
        if (argument?.value.kind === Kind.VARIABLE) names.add(argument.value.name.value);
      }
      if (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet !== undefined) add(selection.selectionSet);
    }
  };
  selectionSets.forEach(add);
  for (const { selectionSet } of fragments.values()) add(selectionSet);
  return [...names];
}

export function selectionSetsOf(nodes: readonly FieldNode[]): SelectionSetNode[] {
  return nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
}

/** The types on which a fragment applies to a user. `_Entity` is a union that contains `User`. */
export const USER_TYPES: ReadonlySet<string> = new Set(['User', '_Entity']);

export const IDENTITY_TYPES: ReadonlySet<string> = new Set(['Identity']);

export const SOURCE_TYPES: ReadonlySet<string> = new Set(['IdentitySource']);

/**
 * Creates a function for resolvers, which returns the fields that are selected below the current field. graphql-js passes the
 * same nodes for each item of a list, so that the fields are collected once.
 *
 * @returns null if a directive cannot be decided.
 */
export function createFieldsBelow(types: ReadonlySet<string>): (info: GraphQLResolveInfo) => Fields | null {
  const known = new WeakMap<readonly FieldNode[], Fields | null>();
  return ({ fieldNodes, fragments, variableValues }) => {
    let fields = known.get(fieldNodes);
    if (fields === undefined) {
      const conditions = new Map(Object.entries(variableValues));
      const selecting = { fragments: new Map(Object.entries(fragments)), conditions };
      fields = collectFields(selectionSetsOf(fieldNodes), types, selecting);
      known.set(fieldNodes, fields);
    }
    return fields;
  };
}
