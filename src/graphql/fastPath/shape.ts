import { type FieldNode, Kind, type SelectionSetNode } from 'graphql';
import type { Identity } from '../../genauth';
import type { Fragments } from '../fragments';
import type { KnownUser } from '../../identities';

/** The fields of one object in the order of the answer, by response name; what is asked for twice is merged. */
export type Fields = ReadonlyMap<string, readonly [FieldNode, ...FieldNode[]]>;

/**
 * Collects the fields of an object, as the specification's CollectFields does where there are no directives.
 *
 * @param types What the object is and what it belongs to: a fragment on anything else does not apply.
 * @returns null where there is a directive: what it does is left to graphql-js.
 */
export function collectFields(
  selectionSets: readonly SelectionSetNode[],
  types: ReadonlySet<string>,
  fragments: Fragments,
): Fields | null {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): boolean =>
    selections.every((selection) => {
      if (selection.directives !== undefined && selection.directives.length > 0) return false;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const before = fields.get(key);
        if (before === undefined) fields.set(key, [selection]);
        else before.push(selection);
        return true;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (spread.has(selection.name.value)) return true;
        spread.add(selection.name.value);
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      if (fragment === undefined || (fragment.directives?.length ?? 0) > 0) return false;
      const condition = fragment.typeCondition?.name.value;
      return condition !== undefined && !types.has(condition) ? true : collect(fragment.selectionSet);
    });
  return selectionSets.every(collect) ? fields : null;
}

/** Writes one value of the answer as JSON. */
export type Writer<Value> = (value: Value) => string;

const IDENTITY_FIELDS: Readonly<Record<string, Writer<Identity>>> = {
  __typename: () => '"Identity"',
  id: ({ id }) => JSON.stringify(id),
  extIdpId: ({ extIdpId }) => JSON.stringify(extIdpId),
  provider: ({ provider }) => JSON.stringify(provider),
  type: ({ type }) => JSON.stringify(type),
  userIdInIdp: ({ userIdInIdp }) => JSON.stringify(userIdInIdp),
  userInfoInIdp: ({ userInfoInIdp }) => JSON.stringify(userInfoInIdp),
  originConnIds: ({ originConnIds }) => JSON.stringify(originConnIds),
};

/** @returns null where something is asked for that graphql-js has to answer. */
export function userWriter(fields: Fields, fragments: Fragments): Writer<KnownUser> | null {
  return objectWriter(fields, (name, nodes) => {
    if (name === '__typename') return () => '"User"';
    if (name === 'id') return ({ id }) => JSON.stringify(id);
    if (name !== 'identities') return null;
    const row = collectFields(selectionSetsOf(nodes), new Set(['Identity']), fragments);
    const write = row && objectWriter(row, (field) => IDENTITY_FIELDS[field] ?? null);
    return write && (({ identities }) => writeList(identities, write));
  });
}

/** @returns null where one of the fields cannot be written. */
export function objectWriter<Value>(
  fields: Fields,
  fieldWriter: (name: string, nodes: readonly [FieldNode, ...FieldNode[]]) => Writer<Value> | null,
): Writer<Value> | null {
  const parts: { key: string; write: Writer<Value> }[] = [];
  for (const [key, nodes] of fields) {
    const write = fieldWriter(nodes[0].name.value, nodes);
    if (write === null) return null;
    parts.push({ key: `${parts.length === 0 ? '{' : ','}${JSON.stringify(key)}:`, write });
  }
  if (parts.length === 0) return () => '{}';
  return (value) => {
    let text = '';
    for (const { key, write } of parts) text += key + write(value);
    return `${text}}`;
  };
}

export function writeList<Value>(values: readonly Value[], write: Writer<Value>): string {
  let text = '[';
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (index > 0) text += ',';
    if (value !== undefined) text += write(value);
  }
  return `${text}]`;
}

export function selectionSetsOf(nodes: readonly FieldNode[]): SelectionSetNode[] {
  return nodes.flatMap(({ selectionSet }) => (selectionSet === undefined ? [] : [selectionSet]));
}
