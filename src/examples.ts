import type { IdeWindow } from './http/ide';

const READ = `# What a router sends for \`User.identities\`.
query ReadIdentities($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on User {
      id
      identities {
        id
        extIdpId
        provider
        type
        userIdInIdp
      }
    }
  }
}
`;

const UNLINK = `mutation UnlinkIdentity($userId: ID!, $extIdpId: ID!, $type: String) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId, type: $type) {
    success
    requestId
    apiCode
    user {
      identities {
        extIdpId
        provider
        type
      }
    }
  }
}
`;

const SOME_ID = '0'.repeat(24);

/**
 * The two operations that this subgraph exists for, ready to run.
 *
 * @param ids Default: placeholders. A user and an identity source that the user is linked to.
 */
export function exampleOperations(
  { userId, extIdpId } = { userId: SOME_ID, extIdpId: SOME_ID },
): [IdeWindow, IdeWindow] {
  return [
    { name: 'Read identities', query: READ, variables: { representations: [{ __typename: 'User', id: userId }] } },
    { name: 'Unlink an identity', query: UNLINK, variables: { userId, extIdpId } },
  ];
}
