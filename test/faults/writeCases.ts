import type { Fault, SetFault, Store, Switches } from '../../src/emulator';

/** The write of a row. Its target is `USER`, who is linked to nothing and signed in to two applications. */
export type TestedWrite = 'link' | 'sessions';

/** One row of the second table of docs/faults.md: a fault, and the exact result of a write that meets it. */
export interface WriteCase {
  name: string;
  write: TestedWrite;
  /** Faults of the emulator by route. */
  faults?: Readonly<Record<string, Fault | readonly SetFault[]>>;
  switches?: Partial<Switches>;
  /** Default: 2. Number of applications that the user is signed in to. Beyond 50, there are two requests. */
  apps?: number;
  /** Changes the user pool before the write. */
  before?: (store: Store) => void;
  userId?: string;
  extIdpId?: string;
  /** What the caller gets: `success: true`, `success: false`, or the code of an error. */
  gets: string;
  /** The error's `outcome`. Absent in a payload. */
  outcome?: 'NOT_EXECUTED' | 'UNKNOWN';
  /** The user of a link, or the applications of a revocation, are null in the payload. */
  isUnread?: boolean;
  /** Requests of the write that reach GenAuth. */
  posts: number;
  /** Reads that reach GenAuth: users, applications and sessions. */
  reads: number;
}

export const USER = '6229ffa1c05e6bfcade3e3d1';
export const OTHER_USER = '6229ffa1c05e6bfcade3e3d2';
export const UNKNOWN = '0'.repeat(24);
export const SOURCE = '62f20932716fbcc10d966ee5';
export const ACCOUNT = 'octocat';
export const appId = (index: number): string => `62f2093244fa5cb19f${String(index).padStart(6, '0')}`;

/** A fault without effect on writes, so that the next fault of the list meets the second request. */
const FIRST_IS_FINE: SetFault = { fault: 'user-mismatch', times: 1 };

/** Faults of the request itself. GenAuth executes it, although its response does not arrive. */
const LOST: readonly [name: string, fault: Fault][] = [
  ['the connection is reset', 'reset-after-execute'],
  ['the connection is closed', 'half-close'],
  ['no response arrives', 'hang-after-execute'],
  ['the body is truncated', 'truncated-body'],
  ['the JSON is truncated', 'truncated-json'],
  ['the response is not JSON', 'not-json'],
  ['the response is empty', 'empty'],
  ['the response has no data', 'no-data'],
  ['the response has another shape', 'wrong-shape'],
  ['the response is too large', 'oversized'],
  ['the response is not HTTP', 'garbage'],
];

/** Faults of the request itself. GenAuth does not execute it, which its response does not say. */
const UNCLEAR: readonly [name: string, fault: Fault][] = [
  ['the connection is reset before GenAuth executes it', 'reset-before-execute'],
  ['no response arrives, and GenAuth never executes it', 'hang-before-execute'],
  ['HTTP 500', 'http-500'],
  ['HTTP 503', 'http-503'],
  ['an envelope of 500', 'envelope-500'],
];

const REFUSED: readonly [name: string, fault: Fault][] = [
  ['an envelope of 400', 'envelope-400'],
  ['an envelope of 403', 'envelope-403'],
  ['an envelope of 404', 'envelope-404'],
  ['an envelope of 409', 'envelope-409'],
  ['an envelope of 422', 'envelope-422'],
  ['`success` is false', 'success-false'],
];

const NOT_SENT: readonly [name: string, fault: Fault, code: string][] = [
  ['HTTP 429', 'http-429', 'UPSTREAM_RATE_LIMITED'],
  ['an envelope of 429', 'envelope-429', 'UPSTREAM_RATE_LIMITED'],
  ['the access key is rejected', 'envelope-401/1300', 'UPSTREAM_AUTH_FAILED'],
];

const link = (name: string, rest: Omit<WriteCase, 'name' | 'write'>): WriteCase => ({ name, write: 'link', ...rest });
const sessions = (name: string, rest: Omit<WriteCase, 'name' | 'write'>): WriteCase => ({
  name,
  write: 'sessions',
  ...rest,
});

const LINKS: readonly WriteCase[] = [
  link('The request', { gets: 'success: true', posts: 1, reads: 1 }),
  ...LOST.map(([name, fault]) =>
    link(`The request: ${name}`, {
      faults: { 'link-identity': fault },
      gets: 'success: true',
      posts: 1,
      reads: 1,
    }),
  ),
  ...UNCLEAR.map(([name, fault]) =>
    link(`The request: ${name}`, {
      faults: { 'link-identity': fault },
      gets: 'LINK_OUTCOME_UNKNOWN',
      outcome: 'UNKNOWN',
      posts: 1,
      reads: 3,
    }),
  ),
  ...REFUSED.map(([name, fault]) =>
    link(`The request: ${name}`, { faults: { 'link-identity': fault }, gets: 'success: false', posts: 1, reads: 1 }),
  ),
  ...NOT_SENT.map(([name, fault, code]) =>
    link(`The request: ${name}`, {
      faults: { 'link-identity': fault },
      gets: code,
      outcome: 'NOT_EXECUTED',
      posts: 1,
      reads: 0,
    }),
  ),
  link('The response is lost, and GenAuth executes the request after the first read', {
    faults: { 'link-identity': 'reset-before-execute' },
    switches: { readLagMs: 1 },
    before: (store) =>
      atRead(store, 2, () => {
        const executed = { userId: USER, extIdpId: SOURCE, type: 'generic', userIdInIdp: ACCOUNT };
        store.link(USER, executed);
        store.recordLink({ ...executed, added: true });
      }),
    gets: 'success: true',
    posts: 1,
    reads: 2,
  }),
  link('The response is lost, and every read fails', {
    faults: { 'link-identity': 'reset-after-execute', 'get-user-batch': 'http-503' },
    gets: 'LINK_OUTCOME_UNKNOWN',
    outcome: 'UNKNOWN',
    posts: 1,
    reads: 6,
  }),
  link('The response is lost and the link was not executed; the account is linked under another type', {
    faults: { 'link-identity': 'reset-before-execute' },
    before: (store) => store.link(USER, { extIdpId: SOURCE, type: 'openid', userIdInIdp: ACCOUNT }),
    gets: 'LINK_OUTCOME_UNKNOWN',
    outcome: 'UNKNOWN',
    posts: 1,
    reads: 3,
  }),
  link('The response is lost and the link was not executed; the user is linked to another account at the source', {
    faults: { 'link-identity': 'reset-before-execute' },
    before: (store) => store.link(USER, { extIdpId: SOURCE, userIdInIdp: 'octodog' }),
    gets: 'LINK_OUTCOME_UNKNOWN',
    outcome: 'UNKNOWN',
    posts: 1,
    reads: 3,
  }),
  link('The response is lost; the account was linked to the user before', {
    faults: { 'link-identity': 'reset-before-execute' },
    before: (store) => store.link(USER, { extIdpId: SOURCE, userIdInIdp: ACCOUNT }),
    gets: 'success: true',
    posts: 1,
    reads: 1,
  }),
  link('The read after it fails', {
    faults: { 'get-user-batch': 'http-503' },
    gets: 'success: true',
    isUnread: true,
    posts: 1,
    reads: 2,
  }),
  link('The read after it fails once', {
    faults: { 'get-user-batch': [{ fault: 'http-503', times: 1 }] },
    gets: 'success: true',
    posts: 1,
    reads: 2,
  }),
  link('The first two reads lag', {
    switches: { readLagMs: 60_000 },
    before: (store) => atRead(store, 3, () => undefined),
    gets: 'success: true',
    posts: 1,
    reads: 3,
  }),
  link('Every read lags', {
    switches: { readLagMs: 60_000 },
    gets: 'LINK_OUTCOME_UNKNOWN',
    outcome: 'UNKNOWN',
    posts: 1,
    reads: 4,
  }),
  ...(['409', '422'] as const).map((linkTaken) =>
    link(`Another user is linked to the account, and GenAuth responds ${linkTaken}`, {
      switches: { linkTaken },
      before: (store) => store.link(OTHER_USER, { extIdpId: SOURCE, userIdInIdp: ACCOUNT }),
      gets: 'success: false',
      posts: 1,
      reads: 1,
    }),
  ),
  link('Another user is linked to the account, and GenAuth moves it', {
    switches: { linkTaken: 'move' },
    before: (store) => store.link(OTHER_USER, { extIdpId: SOURCE, userIdInIdp: ACCOUNT }),
    gets: 'success: true',
    posts: 1,
    reads: 1,
  }),
  ...(['success', 'success-false', '409'] as const).map((linkHeld) =>
    link(`The user is linked to the account already, and GenAuth responds ${linkHeld}`, {
      switches: { linkHeld },
      before: (store) => store.link(USER, { extIdpId: SOURCE, userIdInIdp: ACCOUNT }),
      gets: linkHeld === 'success' ? 'success: true' : 'success: false',
      posts: 1,
      reads: 1,
    }),
  ),
  link('GenAuth does not know the user', {
    userId: UNKNOWN,
    gets: 'success: false',
    isUnread: true,
    posts: 1,
    reads: 1,
  }),
  link('GenAuth does not know the source', { extIdpId: UNKNOWN, gets: 'success: false', posts: 1, reads: 1 }),
];

/** With two applications: the list, the request, and a check of each. */
const SESSIONS: readonly WriteCase[] = [
  sessions('The request', { gets: 'success: true', posts: 1, reads: 3 }),
  ...LOST.map(([name, fault]) =>
    sessions(`The request: ${name}`, {
      faults: { 'kick-users': fault },
      gets: 'success: true',
      posts: 1,
      reads: 3,
    }),
  ),
  ...UNCLEAR.map(([name, fault]) =>
    sessions(`The request: ${name}`, {
      faults: { 'kick-users': fault },
      gets: codeOf(fault),
      outcome: 'UNKNOWN',
      posts: 1,
      reads: 7,
    }),
  ),
  ...REFUSED.map(([name, fault]) =>
    sessions(`The request: ${name}`, { faults: { 'kick-users': fault }, gets: 'success: false', posts: 1, reads: 1 }),
  ),
  ...NOT_SENT.map(([name, fault, code]) =>
    sessions(`The request: ${name}`, {
      faults: { 'kick-users': fault },
      gets: code,
      outcome: 'NOT_EXECUTED',
      posts: 1,
      reads: 1,
    }),
  ),
  sessions('The list of applications cannot be read', {
    faults: { 'get-user-loggedin-apps': 'http-503' },
    gets: 'UPSTREAM_UNAVAILABLE',
    outcome: 'NOT_EXECUTED',
    posts: 0,
    reads: 2,
  }),
  sessions('The list of applications is one object', {
    faults: { 'get-user-loggedin-apps': 'wrong-shape' },
    gets: 'UPSTREAM_BAD_RESPONSE',
    outcome: 'NOT_EXECUTED',
    posts: 0,
    reads: 1,
  }),
  sessions('The list of applications is refused with 403', {
    faults: { 'get-user-loggedin-apps': 'envelope-403' },
    gets: 'UPSTREAM_REJECTED',
    outcome: 'NOT_EXECUTED',
    posts: 0,
    reads: 1,
  }),
  sessions('GenAuth does not know the user', { userId: UNKNOWN, gets: 'success: false', posts: 0, reads: 1 }),
  sessions('The user is signed in nowhere', { apps: 0, gets: 'success: true', posts: 0, reads: 1 }),
  sessions('The checks fail', {
    faults: { 'check-session-status': 'http-503' },
    gets: 'success: true',
    isUnread: true,
    posts: 1,
    reads: 5,
  }),
  sessions('One check fails once', {
    faults: { 'check-session-status': [{ fault: 'http-503', times: 1 }] },
    gets: 'success: true',
    posts: 1,
    reads: 4,
  }),
  sessions('The response to one check cannot be used', {
    faults: { 'check-session-status': [{ fault: 'wrong-shape', times: 1 }] },
    gets: 'success: true',
    isUnread: true,
    posts: 1,
    reads: 3,
  }),
  sessions('GenAuth confirms it, and every session stays', {
    switches: { sessionsAfterKick: 'kept' },
    gets: 'UPSTREAM_BAD_RESPONSE',
    outcome: 'UNKNOWN',
    posts: 1,
    reads: 9,
  }),
  sessions('GenAuth confirms it, one check shows a session, and the other fails', {
    switches: { sessionsAfterKick: 'kept' },
    faults: { 'check-session-status': [{ fault: 'wrong-shape', times: 1 }] },
    gets: 'UPSTREAM_BAD_RESPONSE',
    outcome: 'UNKNOWN',
    posts: 1,
    reads: 9,
  }),
  sessions('60 applications', { apps: 60, gets: 'success: true', posts: 2, reads: 61 }),
  sessions('60 applications, and the first request is refused', {
    apps: 60,
    faults: { 'kick-users': [{ fault: 'envelope-409', times: 1 }] },
    gets: 'success: false',
    posts: 2,
    reads: 61,
  }),
  sessions('60 applications, and the second request is refused', {
    apps: 60,
    faults: { 'kick-users': [FIRST_IS_FINE, { fault: 'envelope-409', times: 1 }] },
    gets: 'success: false',
    posts: 2,
    reads: 61,
  }),
  sessions('60 applications, and the response to the first request is lost', {
    apps: 60,
    faults: { 'kick-users': [{ fault: 'reset-after-execute', times: 1 }] },
    gets: 'success: true',
    posts: 2,
    reads: 61,
  }),
  sessions('60 applications, and the first request is not executed, which its response does not say', {
    apps: 60,
    faults: { 'kick-users': [{ fault: 'reset-before-execute', times: 1 }] },
    gets: 'UPSTREAM_UNAVAILABLE',
    outcome: 'UNKNOWN',
    posts: 2,
    reads: 1 + 60 + 50 + 50,
  }),
  sessions('60 applications, and GenAuth responds 429 to the first request', {
    apps: 60,
    faults: { 'kick-users': [{ fault: 'http-429', times: 1 }] },
    gets: 'UPSTREAM_RATE_LIMITED',
    outcome: 'NOT_EXECUTED',
    posts: 1,
    reads: 1,
  }),
  sessions('60 applications, and GenAuth responds 429 to the second request', {
    apps: 60,
    faults: { 'kick-users': [FIRST_IS_FINE, { fault: 'http-429:0', times: 1 }] },
    gets: 'UPSTREAM_RATE_LIMITED',
    outcome: 'UNKNOWN',
    posts: 2,
    reads: 61,
  }),
  ...(['success', 'success-false', '404'] as const).map((kickMissing) =>
    sessions(`The user signs out before the request, and GenAuth responds ${kickMissing}`, {
      switches: { kickMissing },
      before: (store) => afterList(store, () => store.signOut(USER)),
      gets: kickMissing === 'success' ? 'success: true' : 'success: false',
      posts: 1,
      reads: kickMissing === 'success' ? 3 : 1,
    }),
  ),
  sessions('The user signs in to a third application before the request', {
    before: (store) => afterList(store, () => store.signIn(USER, appId(7))),
    gets: 'success: true',
    posts: 1,
    reads: 3,
  }),
];

/** Every fault, in the order of docs/faults.md. */
export const WRITE_CASES: readonly WriteCase[] = [...LINKS, ...SESSIONS];

/** Changes the pool when the applications have been listed. */
function afterList(store: Store, change: () => void): void {
  const list = store.signedInApps.bind(store);
  store.signedInApps = (userId) => {
    const apps = list(userId);
    store.signedInApps = list;
    change();
    return apps;
  };
}

/** Changes the pool at a read of the user, which shows the change. Earlier reads lag as the switch says. */
function atRead(store: Store, number: number, change: () => void): void {
  const earlier = store.identitiesAt.bind(store);
  let reads = 0;
  store.identitiesAt = (userId, at) => {
    reads++;
    if (reads === number) change();
    return reads < number ? earlier(userId, at) : store.identitiesOf(userId);
  };
}

/** A revocation whose outcome is unknown has the code of the reason. */
function codeOf(fault: Fault): string {
  return fault === 'hang-before-execute' ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNAVAILABLE';
}
