import {
  aliasedUser,
  pageUser,
  plainUser,
  removedIdentity,
  unlinkedUser,
  userWithoutConnections,
  userWithProfiles,
} from './contenders/fields';
import {
  ACCOUNTS,
  aliasedDocument,
  entitiesDocument,
  PAGE_OF_USER,
  PAGE_OF_USERS,
  PAGE_UNLINK,
  type Selection,
  UNLINK,
} from './documents';
import { accountOf, extIdpIdOf, identityRows, SOURCES, userIdOf, type UserRow, userRow } from './users';
import { IDENTITIES, LISTED_USERS, type RequestKind, USERS, type Workload } from './workloads';

/** A request, and the `data` of its correct response. */
export interface Exchange {
  body: string;
  expected: () => unknown;
}

/** Creates the request with this number. */
export type Exchanges = (number: number) => Exchange;

/** The request id in the stub's response to every unlink. */
export const REQUEST_ID = '934108e5-9fbf-4d24-8da1-c330328abd6c';

/** Stands for the id of an operation, which no response repeats. */
export const OPERATION_ID = 'the id of an operation';

/** A prime number, so that requests visit every user of a pool. */
const STEP = 7_919;

/** Bounds the rows of all requests together, and with them the memory of the load generator. */
const MAX_ROWS = 40_000;

export function exchangesOf({ request }: Workload): Exchanges {
  switch (request.kind) {
    case 'entities':
      return entities(request);
    case 'aliased':
      return aliased(request);
    case 'accounts':
      return accounts(request);
    case 'unlink':
      return unlinks(request);
    case 'page':
      return request.users === null ? pageOfUsers : pageOfUser;
  }
}

const PAGE_CONTEXT = { sources: new Map(SOURCES.map((source) => [source.id, source])), isAllowed: true };

const USERS_OF: Readonly<Record<Selection, (user: UserRow) => object>> = {
  plain: plainUser,
  included: userWithoutConnections,
  profiles: userWithProfiles,
  page: (user) => pageUser(user, PAGE_CONTEXT),
};

type Of<Kind extends RequestKind['kind']> = Extract<RequestKind, { kind: Kind }>;

function entities({ users, identities, selection, pool }: Of<'entities'>): Exchanges {
  const query = entitiesDocument(selection);
  const others = selection === 'included' ? { connections: false } : {};
  return prepared(users * identities, pool !== null, (group) => {
    const ids = range(users).map((index) =>
      userIdOf(pool === null ? group * users + index : (group * STEP) % pool, identities),
    );
    return {
      body: JSON.stringify({ query, variables: { representations: ids.map(representation), ...others } }),
      expected: () => ({ _entities: ids.map((id) => USERS_OF[selection](userRow(id))) }),
    };
  });
}

function aliased({ users, lists }: Of<'aliased'>): Exchanges {
  const query = aliasedDocument(lists);
  return prepared(users * lists * IDENTITIES, false, (group) => {
    const all = range(lists).map((list) =>
      range(users).map((index) => userIdOf((group * lists + list) * users + index, IDENTITIES)),
    );
    const variables = all.map((ids, list) => [`_v${list}_representations`, ids.map(representation)]);
    return {
      body: JSON.stringify({ query, variables: Object.fromEntries(variables) as object }),
      expected: () =>
        Object.fromEntries(all.map((ids, list) => [`_v${list}__entities`, ids.map((id) => aliasedUser(userRow(id)))])),
    };
  });
}

function accounts({ users }: Of<'accounts'>): Exchanges {
  return prepared(users * IDENTITIES, false, (group) => {
    const ids = range(users).map((index) => userIdOf(group * users + index, IDENTITIES));
    const source = group % IDENTITIES;
    const variables = { extIdpId: extIdpIdOf(source), userIdsInIdp: ids.map((id) => accountOf(id, source)) };
    return {
      body: JSON.stringify({ query: ACCOUNTS, variables }),
      expected: () => ({ usersByIdentity: ids.map((id) => plainUser(userRow(id))) }),
    };
  });
}

const UNLINK_DOCUMENTS = { plain: UNLINK, page: PAGE_UNLINK };

/** Unlinks one source after the other. The stub links a user again when the user is unlinked from the next one. */
function unlinks({ document, users }: Of<'unlink'>): Exchanges {
  const query = JSON.stringify(UNLINK_DOCUMENTS[document]);
  return (number) => {
    const userId = userIdOf(number % users, IDENTITIES);
    const extIdpId = extIdpIdOf(Math.floor(number / users) % IDENTITIES);
    return {
      body: `{"query":${query},"variables":{"userId":"${userId}","extIdpId":"${extIdpId}"}}`,
      expected: () => ({ unlinkIdentity: payload(userId, extIdpId, document) }),
    };
  };
}

function payload(userId: string, extIdpId: string, document: Of<'unlink'>['document']): object {
  const result = { success: true, requestId: REQUEST_ID, apiCode: null };
  if (document === 'plain') return result;
  const removed = identityRows(userId).filter((row) => row.extIdpId === extIdpId);
  return {
    ...result,
    operationId: OPERATION_ID,
    removed: removed.map((row) => removedIdentity(row, PAGE_CONTEXT)),
    user: unlinkedUser(userRow(userId, extIdpId), PAGE_CONTEXT),
  };
}

function pageOfUser(number: number): Exchange {
  const id = userIdOf(number % USERS, IDENTITIES);
  return {
    body: JSON.stringify({ query: PAGE_OF_USER, variables: { id } }),
    expected: () => ({ user: joinedUser(id) }),
  };
}

function pageOfUsers(): Exchange {
  return {
    body: JSON.stringify({ query: PAGE_OF_USERS }),
    expected: () => ({ users: listedUserIds().map(joinedUser) }),
  };
}

/** A user with the name that only the other subgraph knows. */
function joinedUser(id: string): object {
  return { name: nameOfUser(id), ...pageUser(userRow(id), PAGE_CONTEXT) };
}

/** The users of the other subgraph. */
export function listedUserIds(): string[] {
  return range(LISTED_USERS).map((user) => userIdOf(user, IDENTITIES));
}

export function nameOfUser(userId: string): string {
  return `User ${userId.slice(-4)}`;
}

/** Creates requests once, so that the load generator has less to do. */
function prepared(rows: number, isPool: boolean, create: Exchanges): Exchanges {
  const count = isPool ? MAX_ROWS : Math.min(4_096, Math.max(16, Math.floor(MAX_ROWS / rows)));
  const exchanges = range(count).map(create);
  return (number) => exchanges[number % count] ?? create(number);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function representation(id: string): object {
  return { __typename: 'User', id };
}
