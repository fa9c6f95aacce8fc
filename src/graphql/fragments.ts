import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** Returns the fragments of a document by name. */
export function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

/** Returns the root fields of an operation, with fragments expanded. A fragment that is spread twice counts twice. */
export function rootFieldsOf(operation: OperationDefinitionNode, fragments: Fragments): FieldNode[] {
  const ofFragments = new Map<string, FieldNode[]>();
  const expand = ({ selections }: SelectionSetNode): FieldNode[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection];
      if (selection.kind === Kind.INLINE_FRAGMENT) return expand(selection.selectionSet);
      const name = selection.name.value;
      let fields = ofFragments.get(name);
      if (fields === undefined) {
        const fragment = fragments.get(name);
        fields = fragment === undefined ? [] : expand(fragment.selectionSet);
        ofFragments.set(name, fields);
      }
      return fields;
    });
  return expand(operation.selectionSet);
}
