import { GraphQLError } from 'graphql';
import { type ComputedField, type Identity, InvalidArgumentError, isIdentityField } from '../../genauth';
import type { Identities, LinkedIdentities, OfferedMethods, UserRead } from '../../identities';
import type { Fragments } from '../fragments';
import { collectFields, objectWriter, selectionSetsOf } from './fields';
import type { FieldErrors, FieldNodes, Writer } from './plan';

/** A user in a response. */
export interface UserValue {
  id: string;
  /** null: they could not be read. The error has been added to the response. */
  identities: IdentitiesValue | null;
}

/** Identities in a response, and what is needed to compute their fields. */
export interface IdentitiesValue extends LinkedIdentities {
  request: Identities;
  /** Null if the ways to sign in could not be read, or if no field needs them. */
  offered: OfferedMethods | null;
}

/** How users are written for one selection. */
export interface UserPlan {
  write: Writer<UserValue>;
  /** Whether a field needs the ways to sign in that the user pool offers. */
  needsOffered: boolean;
  /**
   * Makes the value of a user from what was read, and adds its errors as the resolvers would.
   *
   * @param path The path of the user in the response.
   * @returns null if GenAuth does not know the user, or the id is invalid.
   */
  toValue(
    id: string,
    read: UserRead,
    sources: Pick<IdentitiesValue, 'request' | 'offered'>,
    path: readonly (string | number)[],
    errors: FieldErrors,
  ): UserValue | null;
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
  const identitiesFields: { responseName: string; nodes: FieldNodes; plan: IdentitiesPlan }[] = [];
  const write = objectWriter<UserValue>(nodes, USER_TYPES, fragments, (name, fieldNodes, responseName) => {
    if (name === '__typename') return (_user, out) => out.literal('"User"');
    if (name === 'id') return ({ id }, out) => out.value(id);
    if (name !== 'identities') return null;
    const plan = compileIdentities(fieldNodes, fragments);
    if (plan === null) return null;
    identitiesFields.push({ responseName, nodes: fieldNodes, plan });
    return ({ identities }, out) => {
      if (identities === null) out.literal('null');
      else plan.write(identities, out);
    };
  });
  if (write === null) return null;
  return {
    write,
    needsOffered: identitiesFields.some(({ plan }) => plan.needsOffered),
    toValue(id, read, sources, path, errors) {
      if (read === null) return null;
      if (!(read instanceof Error)) {
        return { id, identities: { user: read, identities: read.identities, ...sources } };
      }
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

/** How a list of identities is written for one selection. */
export interface IdentitiesPlan {
  write: Writer<IdentitiesValue>;
  /** Whether a field needs the ways to sign in that the user pool offers. */
  needsOffered: boolean;
}

/** The fields that are computed. Each makes its writer for one list of identities. */
const COMPUTED: Readonly<Record<string, (value: IdentitiesValue) => ComputedField>> = {
  isLastWayToSignIn: ({ request, user, offered }) =>
    bySource((extIdpId) => user && request.isLastWayToSignIn(user, extIdpId, offered)),
  unlinkBlockedBy: ({ request, user, offered }) =>
    bySource((extIdpId) => user && request.unlinkBlockOf(user, extIdpId, offered)),
};

/** Writes a value that is the same for all identities of one source. */
function bySource(compute: (extIdpId: string | null) => unknown): ComputedField {
  const known = new Map<string | null, unknown>();
  return (identities, index, out) => {
    const extIdpId = identities.text(index, 'extIdpId');
    if (!known.has(extIdpId)) known.set(extIdpId, compute(extIdpId));
    out.value(known.get(extIdpId));
  };
}

/**
 * Compiles the selection of a list of identities. Each identity is written from the same template.
 *
 * @returns null if graphql-js has to execute the operation.
 */
export function compileIdentities(nodes: FieldNodes, fragments: Fragments): IdentitiesPlan | null {
  const fields = collectFields(selectionSetsOf(nodes), new Set(['Identity']), fragments);
  if (fields === null) return null;
  const template: { before: Buffer; field: keyof Identity | ((value: IdentitiesValue) => ComputedField) }[] = [];
  let needsOffered = false;
  let literal = '{';
  let separator = '';
  for (const [responseName, [{ name }]] of fields) {
    literal += `${separator}${JSON.stringify(responseName)}:`;
    separator = ',';
    const computed = COMPUTED[name.value];
    if (name.value === '__typename') literal += '"Identity"';
    else if (isIdentityField(name.value)) {
      template.push({ before: Buffer.from(literal), field: name.value });
      literal = '';
    } else if (computed !== undefined) {
      needsOffered = true;
      template.push({ before: Buffer.from(literal), field: computed });
      literal = '';
    } else return null;
  }
  const after = Buffer.from(`${literal}}`);
  return {
    needsOffered,
    write(value, out) {
      const columns = template.map(({ before, field }) => ({
        before,
        field: typeof field === 'string' ? field : field(value),
      }));
      value.identities.write({ fields: columns, after }, out);
    },
  };
}
