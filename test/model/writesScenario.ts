import fc from 'fast-check';
import type { Fault, SetFault, Switches } from '../../src/emulator';

/** An account at a source. Users are linked to accounts of their own and of each other. */
export interface Account {
  source: number;
  type: string;
  account: string;
}

export type WriteStep =
  | { kind: 'unlink'; user: number; source: number; type: string | null }
  | { kind: 'link'; user: number; source: number; type: string | null; account: string }
  | { kind: 'sessions'; user: number };

export type Step =
  | WriteStep
  | { kind: 'read'; users: number[] }
  /** What happens without this service: a sign-in, and another client that unlinks everything under a source. */
  | { kind: 'signIn'; user: number; app: number }
  | { kind: 'removed'; user: number; source: number }
  | { kind: 'fault'; route: string; faults: SetFault[] }
  | { kind: 'clear' }
  /** Waits for the response to one of the requests under way, or to all. */
  | { kind: 'wait'; for: 'one' | 'all' }
  | { kind: 'pause'; ms: number };

/** A user pool, and the steps that happen in it. A user is an index into the pool; the unknown user is not in the pool. */
export interface Scenario {
  /** The seed of the random faults. */
  seed: number;
  users: { accounts: Account[]; apps: number }[];
  concurrency: number;
  deadlineMs: number;
  switches: Partial<Switches>;
  steps: Step[];
}

export const SOURCES = ['wechat', 'github'];
export const APPS = 120;
export const UNKNOWN_USER = 3;
const TYPES = ['generic', 'openid'];
const ACCOUNTS = ['a', 'b'];

/** Faults after which every response is true, or cannot be read. */
const FAULTS: readonly Fault[] = [
  'latency:30',
  'latency:300',
  'latency:700',
  'http-400',
  'http-502',
  'http-503',
  'http-429:0',
  'http-429:1',
  'envelope-200',
  'envelope-400',
  'envelope-401/1302',
  'envelope-403',
  'envelope-409',
  'envelope-422',
  'envelope-429',
  'envelope-500',
  'envelope-503',
  'success-false',
  'redirect',
  'reset-before-read',
  'reset-before-execute',
  'hang-before-execute',
  'reset-after-execute',
  'hang-after-execute',
  'half-close',
  'execute-late:100',
  'execute-late:500',
  'execute-late:1200',
  'drip:1',
  'truncated-body',
  'truncated-json',
  'not-json',
  'empty',
  'wrong-shape',
  'no-data',
  'gzip-anyway',
  'oversized',
  'garbage',
];

/** Faults after which a write may have been executed. */
const LOST: readonly Fault[] = [
  'reset-before-execute',
  'reset-after-execute',
  'hang-after-execute',
  'half-close',
  'execute-late:100',
  'execute-late:500',
  'truncated-json',
  'http-502',
];
const OF_WRITES: readonly Fault[] = [...FAULTS, 'envelope-404', 'envelope-404/2004', ...LOST, ...LOST, ...LOST];

/** The longest time from the arrival of a write to its execution: all latencies, and `execute-late`. */
export const LATEST_EXECUTION_MS = 4 * 700 + 1200;

const ROUTES: readonly { weight: number; route: string; faults: readonly Fault[] }[] = [
  { weight: 3, route: 'unlink-identity', faults: OF_WRITES },
  { weight: 6, route: 'link-identity', faults: OF_WRITES },
  { weight: 6, route: 'kick-users', faults: OF_WRITES },
  { weight: 4, route: 'get-user-batch', faults: FAULTS },
  { weight: 2, route: 'get-user-loggedin-apps', faults: [...FAULTS, 'envelope-404', 'envelope-404/2004'] },
  { weight: 4, route: 'check-session-status', faults: [...FAULTS, 'envelope-404', 'envelope-404/2004'] },
  { weight: 1, route: '*', faults: FAULTS },
];

const user = fc.nat(UNKNOWN_USER);
const source = fc.nat(SOURCES.length - 1);
const type = fc.option(fc.constantFrom(...TYPES));
const one = <Value>(value: Value): fc.Arbitrary<Value> => fc.constant(value);

const fault = fc.oneof(
  ...ROUTES.map(({ weight, route, faults }) => ({
    weight,
    arbitrary: fc.record({
      kind: one('fault' as const),
      route: one(route),
      faults: fc.array(
        fc.record(
          {
            fault: fc.constantFrom(...faults),
            times: fc.integer({ min: 1, max: 3 }),
            probability: fc.constantFrom(0.2, 0.5, 0.8),
          },
          { requiredKeys: ['fault'] },
        ),
        { minLength: 1, maxLength: 2 },
      ),
    }),
  })),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: one('unlink' as const), user, source, type }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: one('link' as const), user, source, type, account: fc.constantFrom(...ACCOUNTS) }),
  },
  { weight: 8, arbitrary: fc.record({ kind: one('sessions' as const), user }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: one('read' as const), users: fc.array(user, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: one('signIn' as const), user, app: fc.nat(APPS - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: one('removed' as const), user, source }) },
  { weight: 6, arbitrary: fault },
  { weight: 1, arbitrary: one({ kind: 'clear' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: one('wait' as const), for: fc.constantFrom('one' as const, 'all' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: one('pause' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
);

const switches = fc.record<Switches>(
  {
    linkTaken: fc.constantFrom('409', '422', 'move'),
    linkHeld: fc.constantFrom('success', 'success-false', '409'),
    kickMissing: fc.constantFrom('success', 'success-false', '404'),
    sessionsAfterKick: fc.constantFrom('ended', 'ended', 'kept'),
    sessionsAfterUnlink: fc.constantFrom('kept', 'ended'),
    unlinkTypeDefault: fc.constantFrom('all', 'generic'),
    unlinkMissing: fc.constantFrom('success', 'success-false', '404', '422'),
    idempotencyKey: fc.constantFrom('ignored', 'honoured'),
    idempotencyReplay: fc.constantFrom('same', '409'),
    readLagMs: fc.constantFrom(0, 0, 100, 600),
    batchUnknown: fc.constantFrom('omit', 'null', '404'),
    noIdentities: fc.constantFrom('empty', 'null', 'absent'),
    userMissingApiCode: fc.constantFrom('present', 'absent'),
    requestId: fc.constantFrom('always', 'failure', 'never'),
    qps: fc.constantFrom(300, 300, 10),
  } as { [N in keyof Switches]: fc.Arbitrary<Switches[N]> },
  { requiredKeys: [] },
);

const account = fc.record({ source, type: fc.constantFrom(...TYPES) });

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  users: fc
    .array(
      fc.record({
        accounts: fc.uniqueArray(account, { maxLength: 3, selector: (cell) => `${cell.source} ${cell.type}` }),
        apps: fc.constantFrom(0, 1, 2, 2, 3, 55, 110),
      }),
      { minLength: 1, maxLength: UNKNOWN_USER },
    )
    .map((users) =>
      // Each account has one holder.
      users.map(({ accounts, apps }, index) => ({
        apps,
        accounts: accounts.map((cell) => ({ ...cell, account: index === 0 ? 'a' : `own-${index}` })),
      })),
    ),
  concurrency: fc.constantFrom(64, 8, 1),
  deadlineMs: fc.constantFrom(2_500, 2_500, 800),
  switches,
  steps: fc.array(step, { minLength: 3, maxLength: 10, size: 'max' }),
});
