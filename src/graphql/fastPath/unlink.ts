import type { FieldNode } from 'graphql';
import type { KnownUser, RequestedUnlink, UnlinkResult } from '../../identities';
import { JsonWriter } from '../../json';
import type { Fragments } from '../fragments';
import { type Plan, variableOf } from './plan';
import { objectWriter, userWriter, type Writer } from './shape';

/** What the payload is written from. */
interface Unlinked extends UnlinkResult {
  /** Read where it is asked for. */
  user: KnownUser | null;
}

/** Compiles an unlink, to be executed once: what it cannot answer in the end, graphql-js answers with the same outcome. */
export function planUnlink(
  key: string,
  nodes: readonly [FieldNode, ...FieldNode[]],
  fragments: Fragments,
): Plan | null {
  const userIdVariable = variableOf(nodes[0], 'userId');
  const extIdpIdVariable = variableOf(nodes[0], 'extIdpId');
  const typeVariable = variableOf(nodes[0], 'type');
  const hasType = nodes[0].arguments?.some(({ name }) => name.value === 'type') === true;
  if (userIdVariable === null || extIdpIdVariable === null || (hasType && typeVariable === null)) return null;
  let readsUser = false;
  const write = objectWriter<Unlinked>(nodes, new Set(['UnlinkIdentityPayload']), fragments, (name, fieldNodes) => {
    if (name === 'user') {
      readsUser = true;
      const writeUser = userWriter(fieldNodes, new Set(['User']), fragments);
      return writeUser && (({ user }, out) => (user === null ? out.literal('null') : writeUser(user, out)));
    }
    return FIELDS[name] ?? null;
  });
  if (write === null) return null;
  return async (variables, identities) => {
    const request: { [Name in keyof RequestedUnlink]: unknown } = {
      userId: variables[userIdVariable],
      extIdpId: variables[extIdpIdVariable],
      type: typeVariable === null ? null : (variables[typeVariable] ?? null),
    };
    if (!isComplete(request)) return null;
    let result: UnlinkResult;
    try {
      result = await identities.beginUnlink(request);
    } catch {
      // The outcome is remembered, and graphql-js says what it means.
      return null;
    }
    const users = readsUser ? await identities.many([result.userId]) : [null];
    if (users === null) return null;
    const out = new JsonWriter();
    out.literal(key);
    const { success, requestId, apiCode, userId } = result;
    write({ success, requestId, apiCode, userId, user: users[0] ?? null }, out);
    out.literal('}}');
    return { body: out.take() };
  };
}

function isComplete(request: { userId?: unknown; extIdpId?: unknown; type?: unknown }): request is RequestedUnlink {
  const { userId, extIdpId, type } = request;
  return typeof userId === 'string' && typeof extIdpId === 'string' && (type === null || typeof type === 'string');
}

const FIELDS: Readonly<Record<string, Writer<Unlinked>>> = {
  __typename: (_result, out) => out.literal('"UnlinkIdentityPayload"'),
  success: ({ success }, out) => out.literal(success ? 'true' : 'false'),
  requestId: ({ requestId }, out) => out.value(requestId),
  apiCode: ({ apiCode }, out) => out.value(apiCode),
};
