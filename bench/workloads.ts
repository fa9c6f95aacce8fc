import type { Selection } from './documents';

/** Requests of one kind, and the number of connections that send them. */
export interface Workload {
  name: string;
  title: string;
  connections: number;
  request: RequestKind;
  /** Who sends the requests: a few operators in turn, or each user for themselves. */
  callers: 'operators' | 'users';
  /** Whether contenders take part that claim an unlink without reading, or have no callers. */
  isPlain: boolean;
  /** Whether every request has a different document. */
  distinct: boolean;
}

/** What a request asks for. Each kind is computed from the number of the request. */
export type RequestKind =
  | {
      kind: 'entities';
      users: number;
      identities: number;
      selection: Selection;
      /** The number of users in the pool. Null: enough that concurrent requests are for different users. */
      pool: number | null;
    }
  /** The users, in several aliased lists of one operation. */
  | { kind: 'aliased'; users: number; lists: number }
  /** The owners of accounts at one source. */
  | { kind: 'accounts'; users: number }
  /** One identity, by its source. */
  | { kind: 'unlink'; document: 'plain' | 'page'; users: number }
  /** A page that a gateway joins from two subgraphs. Null: all users of the other subgraph. */
  | { kind: 'page'; users: 1 | null };

/** Identities of each user, where a request does not say how many. */
export const IDENTITIES = 5;

/** The users who send requests for themselves. Each has a token. */
export const USERS = 512;

/** The users whom the other subgraph lists. */
export const LISTED_USERS = 50;

const DEFAULTS = { callers: 'operators', isPlain: true, distinct: false } as const;

function entities(
  name: string,
  title: string,
  connections: number,
  { users, identities = IDENTITIES, selection = 'plain', pool = null }: Partial<Entities> & Pick<Entities, 'users'>,
): Workload {
  const request: Entities = { kind: 'entities', users, identities, selection, pool };
  return { ...DEFAULTS, name, title, connections, request };
}

type Entities = Extract<RequestKind, { kind: 'entities' }>;

function aliased(name: string, title: string, lists: number, users: number): Workload {
  return { ...DEFAULTS, name, title, connections: 32, request: { kind: 'aliased', lists, users } };
}

/** The workloads that are measured in CPU time for each request. */
export const WORKLOADS: readonly Workload[] = [
  entities('users-1', '1 user x 5 identities', 64, { users: 1 }),
  entities('users-50', '50 users x 5 identities', 32, { users: 50 }),
  entities('users-500', '500 users x 5 identities', 8, { users: 500 }),
  aliased('users-80', '80 users x 5 identities', 1, 80),
  aliased('aliases-2', '2 aliased lists of 40 users', 2, 40),
  aliased('aliases-8', '8 aliased lists of 10 users', 8, 10),
  entities('include-50', '50 users, a field with @include', 32, { users: 50, selection: 'included' }),
  entities('page-50', '50 users as a page shows them', 32, { users: 50, selection: 'page' }),
  entities('profiles', '50 users with userInfoInIdp', 32, { users: 50, selection: 'profiles' }),
  {
    ...DEFAULTS,
    name: 'accounts-50',
    title: 'owners of 50 accounts',
    connections: 32,
    request: { kind: 'accounts', users: 50 },
  },
  {
    ...DEFAULTS,
    name: 'unlink',
    title: 'unlink by an operator',
    connections: 64,
    request: { kind: 'unlink', document: 'plain', users: 1_024 },
  },
  {
    ...DEFAULTS,
    name: 'self-unlink',
    title: 'unlink by the user, with removed and user',
    connections: 64,
    request: { kind: 'unlink', document: 'page', users: USERS },
    callers: 'users',
    isPlain: false,
  },
];

/** The workloads of a quick run, which has fewer contenders too. */
export const QUICK: ReadonlySet<string> = new Set([
  ...['users-1', 'users-50', 'users-500', 'aliases-8', 'page-50', 'profiles', 'unlink', 'self-unlink'],
]);

/** The workload with the same users as `aliases-8`, in one list. */
export const UNALIASED = { 'aliases-2': 'users-80', 'aliases-8': 'users-80' } as const;

export const SWEEP: readonly Workload[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 250, 500, 1000].map((users) =>
    entities(`sweep-users-${users}`, `${users} x 5`, 8, { users }),
  ),
  ...[1, 2, 5, 10, 20, 50, 100].map((identities) =>
    entities(`sweep-identities-${identities}`, `10 x ${identities}`, 8, { users: 10, identities }),
  ),
  ...[100, 10_000, 1_000_000].map((pool) =>
    entities(`sweep-pool-${pool}`, `1 x 5 of a pool of ${pool}`, 8, { users: 1, pool }),
  ),
];

/** Sent while the stub enforces GenAuth's documented rate limit. */
export const LIMITED: Workload = entities('limit', '1 user x 5 identities', 512, { users: 1 });
export const CALLS_PER_SECOND = 300;

/** Sent under the same limit. Each request unlinks another user, as a bulk does. */
export const BULK: Workload = {
  ...DEFAULTS,
  name: 'bulk',
  title: 'unlinks of a bulk',
  connections: 64,
  request: { kind: 'unlink', document: 'page', users: 16_384 },
  isPlain: false,
};

/** More different documents than a cache may keep. */
export const DOCUMENTS: Workload = {
  ...entities('documents', '1 user, each document once', 64, { users: 1, identities: 1 }),
  distinct: true,
};
export const DISTINCT_DOCUMENTS = 100_000;

/** Sent to a gateway, at a fixed rate. */
export const BEHIND_GATEWAY: readonly Workload[] = [
  {
    ...DEFAULTS,
    name: 'gateway-page',
    title: 'page of one user',
    connections: 64,
    request: { kind: 'page', users: 1 },
    callers: 'users',
  },
  {
    ...DEFAULTS,
    name: 'gateway-page-50',
    title: 'page of 50 users',
    connections: 64,
    request: { kind: 'page', users: null },
  },
  {
    ...DEFAULTS,
    name: 'gateway-unlink',
    title: 'unlink from the page',
    connections: 64,
    request: { kind: 'unlink', document: 'page', users: USERS },
    callers: 'users',
    isPlain: false,
  },
];
