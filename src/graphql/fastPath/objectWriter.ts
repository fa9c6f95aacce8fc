import { collectFields, type FieldNodes, type Selecting, selectionSetsOf } from '../selections';
import type { Writer } from './plan';

/**
 * Compiles how an object is written.
 *
 * @param nodes The fields that hold the object. Their selections are merged.
 * @param fieldWriter Returns null if a field cannot be compiled.
 * @returns null if one of the fields cannot be compiled.
 */
export function objectWriter<Value>(
  nodes: FieldNodes,
  types: ReadonlySet<string>,
  selecting: Selecting,
  fieldWriter: (name: string, nodes: FieldNodes, responseName: string) => Writer<Value> | null,
): Writer<Value> | null {
  const fields = collectFields(selectionSetsOf(nodes), types, selecting);
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
