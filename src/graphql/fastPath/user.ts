import { GraphQLError } from 'graphql';
import { type Identity, type IdentityList, InvalidArgumentError, isIdentityField } from '../../genauth';
import type { UserRead } from '../../identities';
import type { Fragments } from '../fragments';
import { collectFields, objectWriter, selectionSetsOf } from './fields';
import type { FieldErrors, FieldNodes, Writer } from './plan';

/** A user in a response. */
export interface UserValue {
  id: string;
  /** null: they could not be read. The error has been added to the response. */
  identities: IdentityList | null;
}

/** How users are written for one selection. */
export interface UserPlan {
  write: Writer<UserValue>;
  /**
   * Makes the value of a user from what was read, and adds its errors as the resolvers would.
   *
   * @param path The path of the user in the response.
   * @returns null if GenAuth does not know the user, or the id is invalid.
   */
  toValue(id: string, read: UserRead, path: readonly (string | number)[], errors: FieldErrors): UserValue | null;
}

/** The types on which a fragment applies to a user. `_Entity` is a union that contains `User`. */
const USER_TYPES: ReadonlySet<string> = new Set(['User', '_Entity']);

/**
 * Compiles the selection of a user.
 *
 * @param nodes The fields that hold the user.
 * @returns null if graphql-js has to execute the operation.
 */
export function compileUser(nodes: FieldNodes, fragments: Fragments): UserPlan | null {
  const identitiesFields: { responseName: string; nodes: FieldNodes }[] = [];
  const write = objectWriter<UserValue>(nodes, USER_TYPES, fragments, (name, fieldNodes, responseName) => {
    if (name === '__typename') return (_user, out) => out.literal('"User"');
    if (name === 'id') return ({ id }, out) => out.value(id);
    if (name !== 'identities') return null;
    identitiesFields.push({ responseName, nodes: fieldNodes });
    return identitiesWriter(fieldNodes, fragments);
  });
  if (write === null) return null;
  return {
    write,
    toValue(id, read, path, errors) {
      if (!(read instanceof Error)) return read === null ? null : { id, identities: read };
      if (read instanceof GraphQLError || read instanceof InvalidArgumentError) {
        errors.add(read, nodes, path);
        return null;
      }
      // The user exists as far as this subgraph can tell. Each field that cannot be read has an error of its own.
      for (const field of identitiesFields) errors.add(read, field.nodes, [...path, field.responseName]);
      return { id, identities: null };
    },
  };
}

/** Compiles how identities are written: each row from the same template. */
function identitiesWriter(nodes: FieldNodes, fragments: Fragments): Writer<UserValue> | null {
  const fields = collectFields(selectionSetsOf(nodes), new Set(['Identity']), fragments);
  if (fields === null) return null;
  const template: { before: Buffer; field: keyof Identity }[] = [];
  let literal = '{';
  let separator = '';
  for (const [responseName, [{ name }]] of fields) {
    literal += `${separator}${JSON.stringify(responseName)}:`;
    separator = ',';
    if (name.value === '__typename') literal += '"Identity"';
    else if (isIdentityField(name.value)) {
      template.push({ before: Buffer.from(literal), field: name.value });
      literal = '';
    } else return null;
  }
  const after = Buffer.from(`${literal}}`);
  return ({ identities }, out) => {
    if (identities === null) out.literal('null');
    else identities.write({ fields: template, after }, out);
  };
}
