import { extIdpIdOf, type IdentityRow, identityRows, isCredential, userIdOf } from './users';

/** Requests of one kind, and the number of connections that send them. */
export interface Workload {
  name: string;
  title: string;
  connections: number;
  /** Null: each request unlinks one identity. */
  read: Read | null;
  /** Whether every request has a different document. */
  distinct: boolean;
}

interface Read {
  users: number;
  identities: number;
  profiles: boolean;
  /** The number of users in the pool. Null: enough that concurrent requests are for different users. */
  pool: number | null;
}

/** A request, and the `data` of its correct response. */
export interface Exchange {
  body: string;
  expected: () => string;
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'unlink', title: 'unlink', connections: 64, read: null, distinct: false },
  reading('users-1', '1 user x 5 identities', 64, 1, 5),
  reading('users-50', '50 users x 5 identities', 32, 50, 5),
  reading('users-500', '500 users x 5 identities', 8, 500, 5),
];

/** Reads the field from which credentials are removed. Not part of the quick run. */
export const PROFILES: Workload = {
  name: 'profiles',
  title: '50 users x 5 identities with userInfoInIdp',
  connections: 32,
  read: { users: 50, identities: 5, profiles: true, pool: null },
  distinct: false,
};

export const SWEEP: readonly Workload[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 250, 500, 1000].map((users) =>
    reading(`sweep-users-${users}`, `${users} x 5`, 8, users, 5),
  ),
  ...[1, 2, 5, 10, 20, 50, 100].map((identities) =>
    reading(`sweep-identities-${identities}`, `10 x ${identities}`, 8, 10, identities),
  ),
  ...[100, 10_000, 1_000_000].map((pool) => reading(`sweep-pool-${pool}`, `1 x 5 of a pool of ${pool}`, 8, 1, 5, pool)),
];

/** Sent while the stub enforces GenAuth's documented rate limit. */
export const LIMITED: Workload = reading('limit', '1 user x 5 identities', 512, 1, 5);
export const CALLS_PER_SECOND = 300;

/** More different documents than a cache may keep. */
export const DOCUMENTS: Workload = { ...reading('documents', '1 user, each document once', 64, 1, 1), distinct: true };
export const DISTINCT_DOCUMENTS = 100_000;

function reading(
  name: string,
  title: string,
  connections: number,
  users: number,
  identities: number,
  pool: number | null = null,
): Workload {
  return { name, title, connections, read: { users, identities, profiles: false, pool }, distinct: false };
}

const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success requestId apiCode }
}`;

const ENTITIES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on User { id identities { id extIdpId provider type userIdInIdp originConnIds } }
  }
}`;

const PROFILED_ENTITIES = ENTITIES.replace('originConnIds', 'userInfoInIdp originConnIds');

/** The request id in the stub's response to every unlink. */
export const REQUEST_ID = '934108e5-9fbf-4d24-8da1-c330328abd6c';

/** A prime number, so that requests visit every user of a pool. */
const STEP = 7_919;

/** Identities of each user whom the workload `unlink` unlinks. */
const IDENTITIES = 5;

/** Bounds the rows of all requests together, and with them the memory of the load generator. */
const MAX_ROWS = 40_000;

export function exchangesOf({ read }: Workload): Exchange[] {
  if (read === null) {
    return Array.from({ length: 4_096 }, (_, user) => {
      // A source that the users are not linked to: the stub keeps no state, and reads after an unlink must not contradict it.
      const variables = { userId: userIdOf(user, IDENTITIES), extIdpId: extIdpIdOf(IDENTITIES) };
      return {
        body: JSON.stringify({ query: UNLINK, variables }),
        expected: () => JSON.stringify({ unlinkIdentity: { success: true, requestId: REQUEST_ID, apiCode: null } }),
      };
    });
  }
  const { users, identities, profiles, pool } = read;
  const count = pool === null ? Math.min(4_096, Math.max(16, Math.floor(MAX_ROWS / (users * identities)))) : MAX_ROWS;
  return Array.from({ length: count }, (_, group) => {
    const ids = Array.from({ length: users }, (_unused, index) =>
      userIdOf(pool === null ? group * users + index : (group * STEP) % pool, identities),
    );
    const representations = ids.map((id) => ({ __typename: 'User', id }));
    return {
      body: JSON.stringify({ query: profiles ? PROFILED_ENTITIES : ENTITIES, variables: { representations } }),
      expected: () => JSON.stringify({ _entities: ids.map((id) => userAnswer(id, profiles)) }),
    };
  });
}

function userAnswer(id: string, profiles: boolean): object {
  return { id, identities: identityRows(id).map((row) => identityAnswer(row, profiles)) };
}

function identityAnswer(row: IdentityRow, profiles: boolean): object {
  const { identityId, extIdpId, provider, type, userIdInIdp, userInfoInIdp, originConnIds } = row;
  const plain = { id: identityId, extIdpId, provider, type, userIdInIdp };
  if (!profiles) return { ...plain, originConnIds };
  const shown = Object.entries(userInfoInIdp).filter(([name]) => !isCredential(name));
  return { ...plain, userInfoInIdp: Object.fromEntries(shown), originConnIds };
}
