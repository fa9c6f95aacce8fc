import fc from 'fast-check';
import type { Fault, SetFault, Switches } from '../../src/emulator';
import type { Spoiled } from './spoiled';

/** A user's identity: the index of its source, and its type. */
export interface Cell {
  source: number;
  type: string;
}

export type Step =
  | { kind: 'unlink'; user: number; source: number; type: string | null }
  | { kind: 'relink'; user: number; cell: Cell }
  | { kind: 'read'; users: number[] }
  | { kind: 'fault'; route: string; faults: SetFault[] }
  | { kind: 'clear' }
  /** Waits for the response to one of the requests under way, or to all. */
  | { kind: 'wait'; for: 'one' | 'all' }
  | { kind: 'pause'; ms: number };

/** A user pool, and the steps that happen in it. A user is an index into the pool; the stranger is not in the pool. */
export interface Scenario {
  /** The seed of the random faults. */
  seed: number;
  /** The first identities of each user in the pool. */
  users: Cell[][];
  /** The content of one more user, who is read with the others and must not affect them. Null: there is no such user. */
  spoiled: Spoiled | null;
  auth: 'signature' | 'token';
  guard: 'off' | 'all';
  concurrency: number;
  deadlineMs: number;
  /** Whether the circuit breaker is open at the start. */
  outage: boolean;
  switches: Partial<Switches>;
  steps: Step[];
}

export const SOURCES = ['wechat', 'github', 'azure-ad'];
const TYPES = ['generic', 'openid', 'unionid'];
const CELLS = SOURCES.flatMap((_name, source) => TYPES.map((type): Cell => ({ source, type })));

const MAX_USERS = 3;
/** The index of a user that GenAuth does not know. */
export const STRANGER = MAX_USERS;
/** The index of the user with the spoiled content. */
export const SPOILED = MAX_USERS + 1;

const FAULTS: readonly Fault[] = [
  'latency:30',
  'latency:300',
  'latency:700',
  'http-400',
  'http-500',
  'http-502',
  'http-503',
  'http-429',
  'http-429:0',
  'http-429:1',
  'http-429:3',
  'http-429:soon',
  'envelope-200',
  'envelope-400',
  'envelope-401',
  'envelope-401/1302',
  'envelope-401/1305',
  'envelope-401/1306',
  'envelope-403',
  'envelope-409',
  'envelope-422',
  'envelope-429',
  'envelope-499',
  'envelope-500',
  'envelope-503',
  'envelope-601',
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
  'drip',
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

/** Faults that return false data about a user. The subgraph cannot always detect them. */
const UNTRUE: readonly Fault[] = ['user-mismatch', 'envelope-404', 'envelope-404/2004'];

/** The longest time from the arrival of an unlink to its execution: all latencies, and `execute-late`. */
export const LATEST_EXECUTION_MS = 4 * 700 + 1200;

const ROUTES: readonly { weight: number; route: string; faults: readonly Fault[] }[] = [
  { weight: 8, route: 'unlink-identity', faults: [...FAULTS, ...UNTRUE] },
  { weight: 7, route: 'get-user-batch', faults: [...FAULTS, ...FAULTS, ...UNTRUE] },
  { weight: 1, route: 'list-ext-idp', faults: FAULTS },
  { weight: 1, route: 'get-management-token', faults: FAULTS },
  { weight: 2, route: '*', faults: FAULTS },
];

const user = fc.nat(STRANGER);
const source = fc.nat(SOURCES.length - 1);

const fault = fc.oneof(
  ...ROUTES.map(({ weight, route, faults }) => ({
    weight,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      route: fc.constant(route),
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
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('unlink' as const),
      user,
      source,
      type: fc.option(fc.constantFrom(...TYPES)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('relink' as const), user, cell: fc.constantFrom(...CELLS) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      users: fc.array(fc.nat(SPOILED), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 5, arbitrary: fault },
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), for: fc.constantFrom('one' as const, 'all' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
);

const switches = fc.record<Switches>(
  {
    unlinkTypeDefault: fc.constantFrom('all', 'generic'),
    unlinkMissing: fc.constantFrom('success', 'success-false', '404', '422'),
    readLagMs: fc.constantFrom(0, 0, 100, 600),
    idempotencyKey: fc.constantFrom('ignored', 'honoured'),
    idempotencyReplay: fc.constantFrom('same', '409'),
    lastIdentityGuard: fc.constantFrom('off', '422'),
    batchUnknown: fc.constantFrom('omit', 'null', '404'),
    batchOrder: fc.constantFrom('asked', 'reversed', 'stored'),
    noIdentities: fc.constantFrom('empty', 'null', 'absent'),
    userMissingApiCode: fc.constantFrom('present', 'absent'),
    requestId: fc.constantFrom('always', 'failure', 'never'),
    unauthorizedAs: fc.constantFrom('body', 'http'),
    validTokens: fc.constantFrom('all', 'newest'),
    tokenLifeSeconds: fc.constantFrom(7200, 1),
    rateLimitedAs: fc.constantFrom('http', 'body'),
    retryAfter: fc.constantFrom('absent', 'seconds', 'date'),
    qps: fc.constantFrom(300, 5),
    clockOffsetMs: fc.constantFrom(0, 600_000, -600_000),
  } as { [N in keyof Switches]: fc.Arbitrary<Switches[N]> },
  { requiredKeys: [] },
);

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  users: fc.array(fc.subarray(CELLS, { minLength: 4 }), { minLength: 1, maxLength: MAX_USERS, size: 'max' }),
  spoiled: fc.constantFrom<Spoiled | null>(
    null,
    null,
    null,
    null,
    'large profile',
    'odd row',
    'odd row',
    'envelope-500',
  ),
  auth: fc.constantFrom('signature', 'token'),
  guard: fc.constantFrom('off', 'off', 'off', 'all'),
  concurrency: fc.constantFrom(64, 4, 1),
  deadlineMs: fc.constantFrom(2_000, 2_000, 800),
  outage: fc.integer({ min: 0, max: 15 }).map((drawn) => drawn === 15),
  switches,
  steps: fc.array(step, { minLength: 3, maxLength: 12, size: 'max' }),
});

/** Whether nothing in a scenario can make a read fail. */
export function isCalm({ steps, outage, switches: used }: Scenario): boolean {
  return isUsual(used) && !outage && !steps.some(({ kind }) => kind === 'fault');
}

/** Whether no switch can make a read fail. */
export function isUsual({ noIdentities, qps, tokenLifeSeconds, clockOffsetMs = 0 }: Scenario['switches']): boolean {
  return noIdentities !== 'absent' && qps !== 5 && tokenLifeSeconds !== 1 && clockOffsetMs === 0;
}
