import { type FieldNode, Kind, type SelectionSetNode } from 'graphql';
import { type Identity, isIdentityField } from '../../genauth';
import type { KnownUser } from '../../identities';
import type { JsonWriter } from '../../json';
import type { Fragments } from '../fragments';

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
export type Writer<Value> = (value: Value, out: JsonWriter) => void;

/** @returns null where something is asked for that graphql-js has to answer. */
export function userWriter(nodes: readonly FieldNode[], types: ReadonlySet<string>, fragments: Fragments) {
  return objectWriter<KnownUser>(nodes, types, fragments, (name, fieldNodes) => {
    if (name === '__typename') return (_user, out) => out.literal('"User"');
    if (name === 'id') return ({ id }, out) => out.value(id);
    return name === 'identities' ? identitiesWriter(fieldNodes, fragments) : null;
  });
}

/** Rows are many, and all alike: they are written from a template. */
function identitiesWriter(nodes: readonly FieldNode[], fragments: Fragments): Writer<KnownUser> | null {
  const fields = collectFields(selectionSetsOf(nodes), new Set(['Identity']), fragments);
  if (fields === null) return null;
  const template: { before: Buffer; field: keyof Identity }[] = [];
  let literal = '{';
  let separator = '';
  for (const [key, [{ name }]] of fields) {
    literal += `${separator}${JSON.stringify(key)}:`;
    separator = ',';
    if (name.value === '__typename') literal += '"Identity"';
    else if (isIdentityField(name.value)) {
      template.push({ before: Buffer.from(literal), field: name.value });
      literal = '';
    } else return null;
  }
  const after = Buffer.from(`${literal}}`);
  return ({ identities }, out) => identities.write({ fields: template, after }, out);
}

function selectionSetsOf(nodes: readonly FieldNode[]): SelectionSetNode[] {
  return nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
}

/**
 * Compiles how an object is written.
 *
 * @param nodes The fields that hold it, whose selections are merged.
 * @param fieldWriter Null where one of its fields cannot be written.
 * @returns null where one of the fields cannot be written, or where it has a directive.
 */
export function objectWriter<Value>(
  nodes: readonly FieldNode[],
  types: ReadonlySet<string>,
  fragments: Fragments,
  fieldWriter: (name: string, nodes: readonly [FieldNode, ...FieldNode[]]) => Writer<Value> | null,
): Writer<Value> | null {
  const fields = collectFields(selectionSetsOf(nodes), types, fragments);
  if (fields === null) return null;
  const parts: { key: string; write: Writer<Value> }[] = [];
  for (const [key, fieldNodes] of fields) {
    const write = fieldWriter(fieldNodes[0].name.value, fieldNodes);
    if (write === null) return null;
    parts.push({ key: `${parts.length === 0 ? '{' : ','}${JSON.stringify(key)}:`, write });
  }
  if (parts.length === 0) return (_value, out) => out.literal('{}');
  return (value, out) => {
    for (const { key, write } of parts) {
      out.literal(key);
      write(value, out);
    }
    out.literal('}');
  };
}
