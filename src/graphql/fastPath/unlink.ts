import type { Identities, PoolNeeds, PoolValues, VisibleUnlink } from '../../identities';
import type { Selecting } from '../selections';
import { allNeeds, compileIdentities, type IdentitiesPlan } from './identities';
import { objectWriter } from './objectWriter';
import type { CompileRoots, RootExecution, RootField, Writer } from './plan';
import { compileUser, type UserPlan } from './user';
import { compileArgument, type Values } from './variables';

/** The payload in a response. */
interface Payload {
  result: VisibleUnlink;
  request: Identities;
  pool: PoolValues;
}

/** Compiles the `unlinkIdentity` fields of a mutation. */
export const compileUnlinks: CompileRoots = (fields, selecting) => {
  const plans = fields.map((field) => compileUnlink(field, selecting));
  if (plans.includes(null)) return null;
  return (values) => {
    const executions = plans.map((plan) => plan?.(values) ?? null);
    return executions.includes(null) ? null : (executions as RootExecution[]);
  };
};

function compileUnlink({ nodes }: RootField, selecting: Selecting): ((values: Values) => RootExecution | null) | null {
  const [userIdOf, extIdpIdOf, typeOf] = ['userId', 'extIdpId', 'type'].map((name) => compileArgument(nodes[0], name));
  if (!userIdOf || !extIdpIdOf || !typeOf) return null;
  const needs: PoolNeeds[] = [];
  const write = objectWriter<Payload>(nodes, PAYLOAD_TYPES, selecting, (name, fieldNodes) => {
    if (name === 'user') {
      const user = compileUser(fieldNodes, selecting);
      if (user !== null) needs.push(user.needs);
      return user && writeUser(user.write);
    }
    if (name === 'removed') {
      const identities = compileIdentities(fieldNodes, selecting);
      if (identities !== null) needs.push(identities.needs);
      return identities && writeRemoved(identities.write);
    }
    return Object.hasOwn(LEAVES, name) ? (LEAVES[name] ?? null) : null;
  });
  if (write === null) return null;
  return (values) => {
    const userId = userIdOf(values);
    const extIdpId = extIdpIdOf(values);
    const type = typeOf(values) ?? null;
    if (typeof userId !== 'string' || typeof extIdpId !== 'string') return null;
    if (type !== null && typeof type !== 'string') return null;
    return async ({ identities }) => {
      const result = await identities.unlink({ userId, extIdpId, type });
      const pool = await identities.pool.read(allNeeds(needs));
      return (out) => write({ result, request: identities, pool }, out);
    };
  };
}

/** A user that is too large for the response becomes null: the payload of an executed unlink is never lost. */
function writeUser(write: UserPlan['write']): Writer<Payload> {
  return ({ result: { user }, request, pool }, out) => {
    if (user === null) return out.literal('null');
    const value = { id: user.id, identities: { user, identities: user.identities, request, pool } };
    if (!out.writeWithin(() => write(value, out))) out.literal('null');
    return undefined;
  };
}

/** Identities that are too large for the response become null. */
function writeRemoved(write: IdentitiesPlan['write']): Writer<Payload> {
  return ({ result: { removed }, request, pool }, out) => {
    if (removed === null) return out.literal('null');
    if (!out.writeWithin(() => write({ ...removed, request, pool }, out))) out.literal('null');
    return undefined;
  };
}

const PAYLOAD_TYPES: ReadonlySet<string> = new Set(['UnlinkIdentityPayload']);

const LEAVES: Readonly<Record<string, Writer<Payload>>> = {
  __typename: (_payload, out) => out.literal('"UnlinkIdentityPayload"'),
  success: ({ result }, out) => out.literal(result.success ? 'true' : 'false'),
  requestId: ({ result }, out) => out.value(result.requestId),
  apiCode: ({ result }, out) => out.value(result.apiCode),
  operationId: ({ result }, out) => out.value(result.operationId),
};
