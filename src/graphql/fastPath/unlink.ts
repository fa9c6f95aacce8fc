import type { RequestedUnlink, UnlinkResult } from '../../identities';
import type { Fragments } from '../fragments';
import { objectWriter } from './fields';
import { type FieldNodes, type FieldPlan, variableOf, type Writer } from './plan';
import { compileUser, type UserPlan, type UserValue } from './user';

/** The payload in a response. */
interface Payload {
  result: UnlinkResult;
  /** The values of the `user` fields, in their order. */
  users: readonly (UserValue | null)[];
}

/** Compiles an unlink. */
export function planUnlink(nodes: FieldNodes, fragments: Fragments): FieldPlan | null {
  const userIdVariable = variableOf(nodes[0], 'userId');
  const extIdpIdVariable = variableOf(nodes[0], 'extIdpId');
  const typeVariable = variableOf(nodes[0], 'type');
  const hasType = nodes[0].arguments?.some(({ name }) => name.value === 'type') === true;
  if (userIdVariable === null || extIdpIdVariable === null || (hasType && typeVariable === null)) return null;
  const userFields: { responseName: string; user: UserPlan }[] = [];
  const write = objectWriter<Payload>(nodes, PAYLOAD_TYPES, fragments, (name, fieldNodes, responseName) => {
    if (name !== 'user') return LEAVES[name] ?? null;
    const user = compileUser(fieldNodes, fragments);
    if (user === null) return null;
    const index = userFields.push({ responseName, user }) - 1;
    return ({ users }, out) => {
      const value = users[index] ?? null;
      if (value === null) out.literal('null');
      else user.write(value, out);
    };
  });
  if (write === null) return null;
  return (variables) => {
    const request = {
      userId: variables[userIdVariable],
      extIdpId: variables[extIdpIdVariable],
      type: typeVariable === null ? null : (variables[typeVariable] ?? null),
    };
    if (!hasStrings(request)) return null;
    return async (identities, path, errors) => {
      const result = await identities.unlink(request);
      const { userId } = result;
      const [read = null] = userFields.length === 0 ? [] : await identities.many([userId]);
      const users = userFields.map(({ responseName, user }) =>
        user.toValue(userId, read, [...path, responseName], errors),
      );
      return (out) => write({ result, users }, out);
    };
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
};
