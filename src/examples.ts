import type { IdeWindow } from './http/ide';

const READ = `# The operation that a router sends for \`User.identities\`.
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
        label
        source {
          id
          name
        }
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
    operationId
    removed {
      id
      label
    }
    user {
      id
      identities {
        id
        extIdpId
        type
        label
        source {
          id
          name
        }
      }
    }
  }
}
`;

const PLACEHOLDER_ID = '0'.repeat(24);

/**
 * Returns an example of each of the two operations, with variables.
 *
 * @param ids Default: placeholders. A user, and an identity source that the user is linked to.
 */
export function exampleOperations(
  { userId, extIdpId } = { userId: PLACEHOLDER_ID, extIdpId: PLACEHOLDER_ID },
): [IdeWindow, IdeWindow] {
  return [
    { name: 'Read identities', query: READ, variables: { representations: [{ __typename: 'User', id: userId }] } },
    { name: 'Unlink an identity', query: UNLINK, variables: { userId, extIdpId } },
  ];
}
