import { GraphQLError } from 'graphql';
import { type IdentitySource, InvalidArgumentError, ManagementError } from '../../genauth';
import type { PoolNeeds, UserRead } from '../../identities';
import { type FieldNodes, type Selecting, USER_TYPES } from '../selections';
import { allNeeds, compileIdentities, type IdentitiesValue } from './identities';
import { objectWriter } from './objectWriter';
import type { FieldErrors, Writer } from './plan';
import { compileSource, writeSources } from './sources';

/** A user that was not read, because only its id and `__typename` are selected. */
export const UNREAD: unique symbol = Symbol('unread');

/** A user in a response. */
export interface UserValue {
  id: string;
  /** null: they were not read. If they could not be read, the error has been added to the response. */
  identities: IdentitiesValue | null;
}

/** How users are written for one selection. */
export interface UserPlan {
  write: Writer<UserValue>;
  /** Whether a field has to be read. */
  isRead: boolean;
  needs: PoolNeeds;
  /**
   * Makes the value of a user from what was read, and adds its errors as the resolvers would.
   *
   * @param path The path of the user in the response.
   * @returns null if GenAuth does not know the user, or the id is invalid.
   */
  toValue(
    id: string,
    read: UserRead | typeof UNREAD,
    sources: Pick<IdentitiesValue, 'request' | 'pool'>,
    path: readonly (string | number)[],
    errors: FieldErrors,
  ): UserValue | null;
}

/**
 * Compiles the selection of a user.
 *
 * @param nodes The fields that hold the user.
 * @returns null if graphql-js has to execute the operation.
 */
export function compileUser(nodes: FieldNodes, selecting: Selecting): UserPlan | null {
  const readFields: { responseName: string; nodes: FieldNodes; needs: PoolNeeds; isNullInOutage: boolean }[] = [];
  const write = objectWriter<UserValue>(nodes, USER_TYPES, selecting, (name, fieldNodes, responseName) => {
    const field = { responseName, nodes: fieldNodes };
    if (name === '__typename') return (_user, out) => out.literal('"User"');
    if (name === 'id') return ({ id }, out) => out.value(id);
    if (name === 'linkableSources') {
      const writeSource = compileSource(fieldNodes, selecting);
      readFields.push({ ...field, needs: { offered: true, sources: true }, isNullInOutage: true });
      return writeSource && writeLinkableSources(writeSource);
    }
    if (name !== 'identities') return null;
    const plan = compileIdentities(fieldNodes, selecting);
    if (plan === null) return null;
    readFields.push({ ...field, needs: plan.needs, isNullInOutage: false });
    return ({ identities }, out) => {
      if (identities === null) out.literal('null');
      else plan.write(identities, out);
    };
  });
  if (write === null) return null;
  return {
    write,
    isRead: readFields.length > 0,
    needs: allNeeds(readFields.map(({ needs }) => needs)),
    toValue(id, read, sources, path, errors) {
      if (read === null) return null;
      if (read === UNREAD) return { id, identities: null };
      if (!(read instanceof Error)) {
        return { id, identities: { user: read, identities: read.identities, ...sources } };
      }
      if (read instanceof GraphQLError || read instanceof InvalidArgumentError) {
        errors.add(read, nodes, path);
        return null;
      }
      // The user exists as far as this subgraph can tell. Each field that cannot be read has an error of its own.
      for (const field of readFields) {
        if (field.isNullInOutage && read instanceof ManagementError) continue;
        errors.add(read, field.nodes, [...path, field.responseName]);
      }
      return { id, identities: null };
    },
  };
}

function writeLinkableSources(write: Writer<IdentitySource>): Writer<UserValue> {
  return ({ identities }, out) => {
    const user = identities?.user ?? null;
    const sources = identities && user && identities.request.pool.linkableSources(user, identities.pool);
    if (sources === null) out.literal('null');
    else writeSources(sources, write, out);
  };
}
