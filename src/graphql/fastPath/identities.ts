import {
  type ComputedField,
  type Identity,
  type IdentitySource,
  isIdentityField,
  type RowTemplate,
} from '../../genauth';
import { JsonWriter, WordBytes } from '../../json';
import type { Identities, LinkedIdentities, PoolNeeds, PoolValues, UserUnlinks } from '../../identities';
import { collectFields, type FieldNodes, IDENTITY_TYPES, type Selecting, selectionSetsOf } from '../selections';
import type { Writer } from './plan';
import { compileSource } from './sources';

/** Identities in a response, and what is needed to compute their fields. */
export interface IdentitiesValue extends LinkedIdentities {
  request: Identities;
  pool: PoolValues;
  /** Set when a field needs it. */
  unlinks?: UserUnlinks;
}

/** How a list of identities is written for one selection. */
export interface IdentitiesPlan {
  write: Writer<IdentitiesValue>;
  needs: PoolNeeds;
}

/** Makes the writer of a computed field for one list of identities. */
type Compute = (value: IdentitiesValue) => ComputedField;

/** The fields that are computed and have no fields below. */
const COMPUTED: Readonly<Record<string, { compute: Compute; needs: PoolNeeds }>> = {
  label: {
    compute: () => (identities, index, out) => out.value(identities.label(index)),
    needs: { offered: false, sources: false },
  },
  isLastWayToSignIn: {
    compute: byUnlinks((unlinks, extIdpId) => unlinks.isLastWayToSignIn(extIdpId)),
    needs: { offered: true, sources: false },
  },
  unlinkBlockedBy: {
    compute: byUnlinks((unlinks, extIdpId) => unlinks.blockOf(extIdpId)),
    needs: { offered: true, sources: false },
  },
};

/** Predicts the unlink of each identity. */
function byUnlinks(predict: (unlinks: UserUnlinks, extIdpId: string | null) => unknown): Compute {
  return (value) => {
    const unlinks = value.user && (value.unlinks ??= value.request.pool.unlinksOf(value.user, value.pool));
    return (identities, index, out) => out.value(unlinks && predict(unlinks, identities.extIdpId(index)));
  };
}

/** Compiles a computed field. @returns null if graphql-js has to execute the operation. */
function compileComputed(nodes: FieldNodes, selecting: Selecting): { compute: Compute; needs: PoolNeeds } | null {
  const name = nodes[0].name.value;
  if (name !== 'source') return Object.hasOwn(COMPUTED, name) ? (COMPUTED[name] ?? null) : null;
  const write = compileSource(nodes, selecting);
  if (write === null) return null;
  // There are few sources, and the same objects are used for a minute.
  const written = new WeakMap<IdentitySource, WordBytes>();
  const toJson = (source: IdentitySource): WordBytes => {
    let json = written.get(source);
    if (json === undefined) {
      const out = new JsonWriter();
      write(source, out);
      json = new WordBytes(Buffer.from(out.take()));
      written.set(source, json);
    }
    return json;
  };
  const compute: Compute =
    ({ pool: { sources } }) =>
    (identities, index, out) => {
      const extIdpId = identities.extIdpId(index);
      const source = extIdpId === null ? undefined : sources?.get(extIdpId);
      const json = source === undefined ? NULL : toJson(source);
      out.copy(json, 0, json.bytes.length);
    };
  return { compute, needs: { offered: false, sources: true } };
}

const NULL = WordBytes.from('null');

/** Returns what several selections need together. */
export function allNeeds(needs: readonly PoolNeeds[]): PoolNeeds {
  return { offered: needs.some(({ offered }) => offered), sources: needs.some(({ sources }) => sources) };
}

/**
 * Compiles the selection of a list of identities. Each identity is written from the same template.
 *
 * @returns null if graphql-js has to execute the operation.
 */
export function compileIdentities(nodes: FieldNodes, selecting: Selecting): IdentitiesPlan | null {
  const fields = collectFields(selectionSetsOf(nodes), IDENTITY_TYPES, selecting);
  if (fields === null) return null;
  const template: { before: WordBytes; field: keyof Identity | Compute }[] = [];
  const needs: PoolNeeds[] = [];
  let literal = '{';
  let separator = '';
  for (const [responseName, fieldNodes] of fields) {
    const name = fieldNodes[0].name.value;
    literal += `${separator}${JSON.stringify(responseName)}:`;
    separator = ',';
    if (name === '__typename') {
      literal += '"Identity"';
      continue;
    }
    const computed = isIdentityField(name) ? null : compileComputed(fieldNodes, selecting);
    const field = isIdentityField(name) ? name : computed?.compute;
    if (field === undefined) return null;
    if (computed !== null) needs.push(computed.needs);
    template.push({ before: WordBytes.from(literal), field });
    literal = '';
  }
  const after = WordBytes.from(`${literal}}`);
  const columnsFor = (value: IdentitiesValue): RowTemplate['fields'] =>
    template.map(({ before, field }) => ({ before, field: typeof field === 'string' ? field : field(value) }));
  // Without computed fields, all lists have the same template.
  const fixed = template.some(({ field }) => typeof field !== 'string') ? null : (template as RowTemplate['fields']);
  return {
    needs: allNeeds(needs),
    write(value, out) {
      value.identities.write({ fields: fixed ?? columnsFor(value), after }, out);
    },
  };
}
