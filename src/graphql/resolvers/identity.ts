import type { Resolvers } from '../../__generated__/resolverTypes';
import type { Identities, LinkedIdentities } from '../../identities';
import type { IdentityValue, UserReference } from '../context';

export const resolvers: Resolvers = {
  User: {
    __resolveReference: ({ id }, { identities }) => userIfKnown(id, identities),
    async identities({ id }, _args, { identities }) {
      const user = await identities.of(id);
      return user && toValues({ user, identities: user.identities });
    },
  },
  Identity: {
    isLastWayToSignIn: async ({ user, extIdpId }, _args, { identities }) =>
      user && identities.isLastWayToSignIn(user, extIdpId, await identities.offered()),
    unlinkBlockedBy: async ({ user, extIdpId }, _args, { identities }) =>
      user && identities.unlinkBlockOf(user, extIdpId, await identities.offered()),
  },
  Mutation: {
    unlinkIdentity: (_parent, { userId, extIdpId, type }, { identities }) =>
      identities.unlink({ userId, extIdpId, type: type ?? null }),
    linkIdentity: (_parent, { userId, extIdpId, userIdInIdp, type }, { identities }) =>
      identities.link({ userId, extIdpId, userIdInIdp, type: type ?? null }),
    revokeSessions: (_parent, { userId }, { identities }) => identities.revokeSessions(userId),
  },
  UnlinkIdentityPayload: {
    removed: ({ removed }) => removed && toValues(removed),
    user: ({ user }) => user && { __typename: 'User', id: user.id },
  },
  LinkIdentityPayload: {
    user: ({ user }) => user && { __typename: 'User', id: user.id },
  },
};

function toValues({ user, identities }: LinkedIdentities): IdentityValue[] {
  return identities.toArray().map((identity) => Object.assign({ user }, identity));
}

/** A user whom GenAuth does not know is null, without an error. */
async function userIfKnown(id: string, identities: Identities): Promise<UserReference | null> {
  return (await identities.isUnknown(id)) ? null : { __typename: 'User', id };
}
