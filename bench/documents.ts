import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root';

/** The fields that requests select of a user. `included` decides about one of them by a variable. */
export type Selection = 'plain' | 'included' | 'page' | 'profiles';

const SOURCE = 'source { id name provider logo }';

const FIELDS: Readonly<Record<Selection, string>> = {
  plain: 'id identities { id extIdpId provider type userIdInIdp originConnIds }',
  included: 'id identities { id extIdpId provider type userIdInIdp originConnIds @include(if: $connections) }',
  page: `id identities { id extIdpId provider type label isLastWayToSignIn unlinkBlockedBy ${SOURCE} } linkableSources { id name provider logo }`,
  profiles: 'id identities { id extIdpId provider type userIdInIdp userInfoInIdp originConnIds }',
};

/** Reads users, as routers do. */
export function entitiesDocument(selection: Selection): string {
  const connections = selection === 'included' ? ', $connections: Boolean!' : '';
  return `query ($representations: [_Any!]!${connections}) {
  _entities(representations: $representations) {
    ... on User { ${FIELDS[selection]} }
  }
}`;
}

/** Reads several lists of users with one operation, as Hive's routers do. */
export function aliasedDocument(lists: number): string {
  const numbers = Array.from({ length: lists }, (_, list) => list);
  const variables = numbers.map((list) => `$_v${list}_representations:[_Any!]!`).join('');
  const fields = numbers.map(
    (list) =>
      `_v${list}__entities:_entities(representations:$_v${list}_representations){__typename ...on User{${FIELDS.plain}}}`,
  );
  return `query Users(${variables}){${fields.join(' ')}}`;
}

/** Finds the owners of accounts. */
export const ACCOUNTS = `query ($extIdpId: ID!, $userIdsInIdp: [String!]!) {
  usersByIdentity(extIdpId: $extIdpId, userIdsInIdp: $userIdsInIdp) { ${FIELDS.plain} }
}`;

/** Unlinks, and asks only for what GenAuth responds. */
export const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success requestId apiCode }
}`;

/** The mutation of the page and of the command line, as it is published. */
export const PAGE_UNLINK = readFileSync(join(ROOT, 'operations', 'UnlinkIdentity.graphql'), 'utf8').replace(
  /^#.*\n/gm,
  '',
);

/** The queries of the connected-accounts page, from a gateway: for one user, and for all that its other subgraph lists. */
export const PAGE_OF_USER = `query ConnectedAccounts($id: ID!) { user(id: $id) { name ${FIELDS.page} } }`;
export const PAGE_OF_USERS = `query ConnectedAccounts { users { name ${FIELDS.page} } }`;
