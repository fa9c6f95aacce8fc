import type { Resolvers } from '../../__generated__/resolverTypes';
import type { Context, UserReference } from '../context';

export const resolvers: Resolvers<Context> = {
  User: {
    __resolveReference: async ({ id }, { identities }) => ((await identities.isUnknown(id)) ? null : user(id)),
    identities: ({ id }, _args, { identities }) => identities.of(id),
  },
  Mutation: {
    unlinkIdentity: (_parent, { userId, extIdpId, type }, { identities }) =>
      identities.unlink({ userId, extIdpId, type: type ?? null }),
  },
  UnlinkIdentityPayload: {
    user: ({ userId }) => user(userId),
  },
};

function user(id: string): UserReference {
  return { __typename: 'User', id };
}
