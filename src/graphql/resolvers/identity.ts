import type { Resolvers } from '../../__generated__/resolverTypes';
import type { Identities } from '../../identities';
import type { UserReference } from '../context';

export const resolvers: Resolvers = {
  User: {
    __resolveReference: ({ id }, { identities }) => userIfKnown(id, identities),
    identities: async ({ id }, _args, { identities }) => (await identities.of(id))?.toArray() ?? null,
  },
  Mutation: {
    unlinkIdentity: (_parent, { userId, extIdpId, type }, { identities }) =>
      identities.unlink({ userId, extIdpId, type: type ?? null }),
  },
  UnlinkIdentityPayload: {
    user: ({ userId }, _args, { identities }) => userIfKnown(userId, identities),
  },
};

/** Returns null, without an error, for a user that GenAuth does not know. */
async function userIfKnown(id: string, identities: Identities): Promise<UserReference | null> {
  return (await identities.isUnknown(id)) ? null : { __typename: 'User', id };
}
