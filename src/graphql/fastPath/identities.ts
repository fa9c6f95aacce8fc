import { type ComputedField, type Identity, isIdentityField } from '../../genauth';
import type { Identities, LinkedIdentities, OfferedMethods } from '../../identities';
import { collectFields, type FieldNodes, IDENTITY_TYPES, type Selecting, selectionSetsOf } from '../selections';
import type { Writer } from './plan';

/** Identities in a response, and what is needed to compute their fields. */
export interface IdentitiesValue extends LinkedIdentities {
  request: Identities;
  /** Null if the ways to sign in could not be read, or if no field needs them. */
  offered: OfferedMethods | null;
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
export function compileIdentities(nodes: FieldNodes, selecting: Selecting): IdentitiesPlan | null {
  const fields = collectFields(selectionSetsOf(nodes), IDENTITY_TYPES, selecting);
  if (fields === null) return null;
  const template: { before: Buffer; field: keyof Identity | ((value: IdentitiesValue) => ComputedField) }[] = [];
  let needsOffered = false;
  let literal = '{';
  let separator = '';
  for (const [responseName, [{ name }]] of fields) {
    literal += `${separator}${JSON.stringify(responseName)}:`;
    separator = ',';
    const computed = Object.hasOwn(COMPUTED, name.value) ? COMPUTED[name.value] : undefined;
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
