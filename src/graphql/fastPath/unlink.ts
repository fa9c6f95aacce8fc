import type { OfferedMethods, RequestedUnlink, VisibleUnlink, Identities } from '../../identities';
import type { Fragments } from '../fragments';
import { objectWriter } from './fields';
import { type FieldNodes, type FieldPlan, variableOf, type Writer } from './plan';
import { compileIdentities, compileUser } from './user';

/** The payload in a response. */
interface Payload {
  result: VisibleUnlink;
  request: Identities;
  /** Null if the ways to sign in could not be read, or if no field needs them. */
  offered: OfferedMethods | null;
}

/** Compiles an unlink. */
export function planUnlink(nodes: FieldNodes, fragments: Fragments): FieldPlan | null {
  const userIdVariable = variableOf(nodes[0], 'userId');
  const extIdpIdVariable = variableOf(nodes[0], 'extIdpId');
  const typeVariable = variableOf(nodes[0], 'type');
  const hasType = nodes[0].arguments?.some(({ name }) => name.value === 'type') === true;
  if (userIdVariable === null || extIdpIdVariable === null || (hasType && typeVariable === null)) return null;
  let needsOffered = false;
  const write = objectWriter<Payload>(nodes, PAYLOAD_TYPES, fragments, (name, fieldNodes) => {
    if (name === 'user') {
      const user = compileUser(fieldNodes, fragments);
      needsOffered ||= user?.needsOffered === true;
      return user && writeUser(user.write);
    }
    if (name === 'removed') {
      const identities = compileIdentities(fieldNodes, fragments);
      needsOffered ||= identities?.needsOffered === true;
      return identities && writeRemoved(identities.write);
    }
    return LEAVES[name] ?? null;
  });
  if (write === null) return null;
  return (variables) => {
    const request = {
      userId: variables[userIdVariable],
      extIdpId: variables[extIdpIdVariable],
      type: typeVariable === null ? null : (variables[typeVariable] ?? null),
    };
    if (!hasStrings(request)) return null;
    return async (identities) => {
      const result = await identities.unlink(request);
      const offered = needsOffered ? await identities.offered() : null;
      return (out) => write({ result, request: identities, offered }, out);
    };
  };
}

function writeUser(write: NonNullable<ReturnType<typeof compileUser>>['write']): Writer<Payload> {
  return ({ result: { user }, request, offered }, out) => {
    if (user === null) out.literal('null');
    else write({ id: user.id, identities: { user, identities: user.identities, request, offered } }, out);
  };
}

function writeRemoved(write: NonNullable<ReturnType<typeof compileIdentities>>['write']): Writer<Payload> {
  return ({ result: { removed }, request, offered }, out) => {
    if (removed === null) out.literal('null');
    else write({ ...removed, request, offered }, out);
  };
}

const PAYLOAD_TYPES: ReadonlySet<string> = new Set(['UnlinkIdentityPayload']);

function hasStrings(request: { [Name in keyof RequestedUnlink]: unknown }): request is RequestedUnlink {
  const { userId, extIdpId, type } = request;
  return typeof userId === 'string' && typeof extIdpId === 'string' && (type === null || typeof type === 'string');
}

const LEAVES: Readonly<Record<string, Writer<Payload>>> = {
  __typename: (_payload, out) => out.literal('"UnlinkIdentityPayload"'),
  success: ({ result }, out) => out.literal(result.success ? 'true' : 'false'),
  requestId: ({ result }, out) => out.value(result.requestId),
  apiCode: ({ result }, out) => out.value(result.apiCode),
  operationId: ({ result }, out) => out.value(result.operationId),
};
