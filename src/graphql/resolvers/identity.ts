import type { Resolvers } from '../../__generated__/resolverTypes';
import { labelOf, ManagementError } from '../../genauth';
import type { Identities, LinkedIdentities, ListedUser } from '../../identities';
import type { GraphQLResolveInfo } from 'graphql';
import type { IdentityValue, UserReference } from '../context';
import { LARGE, pace } from '../pace';
import type { ResponseRoom } from '../responseSize';
import { createFieldsBelow, IDENTITY_TYPES, SOURCE_TYPES, USER_TYPES } from '../selections';

export const resolvers: Resolvers = {
  User: {
    // A reference resolver that throws, instead of rejecting, would fail the whole list.
    async __resolveReference({ id }, { identities }, info) {
      if (isRead(info)) return userIfKnown(id, identities);
      identities.checkId(id);
      return { __typename: 'User', id };
    },
    async identities({ id }, _args, { identities, room }, info) {
      const user = await paced(identities.of(id), room);
      if (user === null || !room.take(user.identities, fieldsOfIdentities(info))) return null;
      return toValues({ user, identities: user.identities });
    },
    async linkableSources({ id }, _args, { identities, room }, info) {
      try {
        const user = await paced(identities.of(id), room);
        const values = await identities.pool.read({ offered: true, sources: true });
        const sources = user && identities.pool.linkableSources(user, values);
        return sources && room.takeSources(sources, fieldsOfSources(info)) ? sources : null;
      } catch (error) {
        if (error instanceof ManagementError) return null;
        throw error;
      }
    },
  },
  Identity: {
    label: (identity) => labelOf(identity),
    async source({ extIdpId }, _args, { identities: { pool }, room }, info) {
      const source = extIdpId === null ? null : ((await pool.sources())?.get(extIdpId) ?? null);
      return source && room.takeSources([source], fieldsOfSources(info)) ? source : null;
    },
    isLastWayToSignIn: async ({ user, extIdpId }, _args, { identities: { pool } }) =>
      user && pool.unlinksOf(user, await pool.read(OFFERED)).isLastWayToSignIn(extIdpId),
    unlinkBlockedBy: async ({ user, extIdpId }, _args, { identities: { pool } }) =>
      user && pool.unlinksOf(user, await pool.read(OFFERED)).blockOf(extIdpId),
  },
  Query: {
    identityUsers: async (_parent, { ids }, { identities }) => toItems(await identities.lists.byId(ids ?? null)),
    usersByIdentity: async (_parent, { extIdpId, userIdsInIdp }, { identities }) =>
      toItems(await identities.lists.byAccount(extIdpId, userIdsInIdp)),
    async identitySources(_parent, _args, { identities, room }, info) {
      const sources = await identities.pool.listSources();
      return room.takeSources(sources, fieldsOfSources(info)) ? sources : null;
    },
  },
  Mutation: {
    unlinkIdentity: (_parent, { userId, extIdpId, type }, { identities }) =>
      identities.unlink({ userId, extIdpId, type: type ?? null }),
    linkIdentity: (_parent, { userId, extIdpId, userIdInIdp, type }, { identities }) =>
      identities.link({ userId, extIdpId, userIdInIdp, type: type ?? null }),
    revokeSessions: (_parent, { userId }, { identities }) => identities.revokeSessions(userId),
  },
  UnlinkIdentityPayload: {
    removed: ({ removed }, _args, { room }, info) =>
      removed && room.take(removed.identities, fieldsOfIdentities(info)) ? toValues(removed) : null,
    user: ({ user }) => user && { __typename: 'User', id: user.id },
  },
  LinkIdentityPayload: {
    user: ({ user }) => user && { __typename: 'User', id: user.id },
  },
};

const OFFERED = { offered: true, sources: false };

const fieldsOfUser = createFieldsBelow(USER_TYPES);
const fieldsOfIdentities = createFieldsBelow(IDENTITY_TYPES);
const fieldsOfSources = createFieldsBelow(SOURCE_TYPES);

/** Whether a field of the user is selected that has to be read. */
function isRead(info: GraphQLResolveInfo): boolean {
  const fields = fieldsOfUser(info);
  return (
    fields === null || [...fields.values()].some(([{ name }]) => name.value !== 'id' && name.value !== '__typename')
  );
}

/** Lets other requests run before the value or the error is added to the response. */
async function paced<Value>(read: Promise<Value>, room: ResponseRoom): Promise<Value> {
  try {
    return await read;
  } finally {
    room.reads += 1;
    if (room.reads > LARGE) await pace.restIfDue();
  }
}

/** graphql-js reports an Error in a list as the error of this item. */
function toItems(users: readonly ListedUser[]): readonly (UserReference | null)[] {
  return users.map((user) =>
    user === null || user instanceof Error ? user : { __typename: 'User', id: user.id },
  ) as readonly (UserReference | null)[];
}

function toValues({ user, identities }: LinkedIdentities): IdentityValue[] {
  return identities.toArray().map((identity) => Object.assign({ user }, identity));
}

/** A user whom GenAuth does not know is null, without an error. */
async function userIfKnown(id: string, identities: Identities): Promise<UserReference | null> {
  return (await identities.isUnknown(id)) ? null : { __typename: 'User', id };
}
