import { type FieldNode, Kind, type SelectionSetNode } from 'graphql';
import type { Fragments } from '../fragments';
import type { FieldNodes, Writer } from './plan';

/** The fields of an object by response name, in the order of the response. */
export type Fields = ReadonlyMap<string, FieldNodes>;

/**
 * Collects the fields of an object, and merges those with the same response name.
 *
 * @param types The object's type, and the abstract types that contain it. Fragments on other types do not apply.
 * @returns null if there is a directive. graphql-js has to execute the operation then.
 * @see https://spec.graphql.org/October2021/#CollectFields()
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
      if (fragment === undefined || (fragment.directives?.length ?? 0) > 0) return false;
      const condition = fragment.typeCondition?.name.value;
      return condition !== undefined && !types.has(condition) ? true : collect(fragment.selectionSet);
    });
  return selectionSets.every(collect) ? fields : null;
}

export function selectionSetsOf(nodes: FieldNodes): SelectionSetNode[] {
  return nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
}

/**
 * Compiles how an object is written.
 *
 * @param nodes The fields that hold the object. Their selections are merged.
 * @param fieldWriter Returns null if a field cannot be compiled.
 * @returns null if one of the fields cannot be compiled, or has a directive.
 */
export function objectWriter<Value>(
  nodes: FieldNodes,
  types: ReadonlySet<string>,
  fragments: Fragments,
  fieldWriter: (name: string, nodes: FieldNodes, responseName: string) => Writer<Value> | null,
): Writer<Value> | null {
  const fields = collectFields(selectionSetsOf(nodes), types, fragments);
  if (fields === null) return null;
  const parts: { key: string; write: Writer<Value> }[] = [];
  for (const [responseName, fieldNodes] of fields) {
    const write = fieldWriter(fieldNodes[0].name.value, fieldNodes, responseName);
    if (write === null) return null;
    parts.push({ key: `${parts.length === 0 ? '{' : ','}${JSON.stringify(responseName)}:`, write });
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
