import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Main, preload, startMain } from '../support/main';
import { type SecondClient, startSecondClient } from '../support/secondClient';
import { ROOT } from '../support/process';
import { readStartOptions } from '../support/start';
import { type AnsweredError, credentials, representations, strictEnv } from '../support/stack';

/** The options of the image, and half of the memory that deploy/kubernetes gives it. */
const NODE = ['--max-old-space-size=256', ...readStartOptions(ROOT)];

/**
 * Bounds of the CPU time of one turn of the event loop, in milliseconds: while one large response is made, and while many are.
 * Measured: 27 and 92. One response that is made in a single turn takes 90 to 120, and 1 400 without a limit of its cost.
 */
const TOO_LONG_MS = { one: 80, many: 200 };

/** Prints the CPU time of the longest turn so far. Other processes of a busy machine do not lengthen it. */
const MEASURE_TURNS = `
  import { readFileSync } from 'node:fs';
  const cpuMs = () => Number(readFileSync('/proc/self/task/' + process.pid + '/schedstat', 'latin1').split(' ')[0]) / 1e6;
  let calls = 0;
  let longest = 0;
  let last = cpuMs();
  const turn = () => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
    setImmediate(turn);
  };
  process.on('SIGWINCH', () => {
    console.log('longest turn ' + ++calls + ': ' + longest);
    longest = 0;
    last = cpuMs();
  });
  turn();`;

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');

describe('a second client of dist/main.js gets its responses', () => {
  let issuer: Issuer;
  let emulator: Emulator;
  let main: Main;
  let second: SecondClient;
  let ids: string[];
  let reader: Record<string, string>;
  let measured = 0;

  beforeAll(async () => {
    issuer = await startIssuer();
    emulator = await startEmulator({ seed: createPool({ users: 1_000, identitiesPerUser: 4 }), qps: Infinity });
    ids = emulator.store.users().map(({ profile }) => profile.userId);
    const env = { ...strictEnv(issuer), GENAUTH_MAX_QPS: '10000', MAX_IN_FLIGHT: '512', REQUEST_DEADLINE_MS: '3000' };
    main = await startMain(emulator, env, [...NODE, preload(MEASURE_TURNS)]);
    reader = credentials(issuer.token({ scope: 'identity:read' }));
    second = await startSecondClient(main.url, credentials(issuer.token({ scope: 'openid' })));
  });
  beforeEach(() => {
    emulator.faults.clear();
    emulator.clearCalls();
  });
  afterAll(async () => {
    await second.stop();
    await main.stop('SIGKILL');
    await emulator.close();
    await issuer.close();
  });

  interface Response {
    status: number;
    errors: AnsweredError[];
    text: string;
  }

  async function send(query: string, userIds: readonly string[], headers: object = {}): Promise<Response> {
    const response = await fetch(`${main.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...reader,
        ...headers,
      },
      body: JSON.stringify({ query, variables: { users: representations(userIds).representations } }),
    });
    const text = await response.text();
    return {
      status: response.status,
      text,
      get errors() {
        return (JSON.parse(text) as { errors?: AnsweredError[] }).errors ?? [];
      },
    };
  }

  const entities = (selection: string) =>
    `query ($users: [_Any!]!) { _entities(representations: $users) { ... on User { ${selection} } } }`;
  const fields = (outer: number, inner: number) =>
    entities(times(outer, (i) => `a${i}: identities { ${times(inner, (j) => `b${j}: id`)} }`));
  const WITHOUT_RIGHTS = () => credentials(issuer.token({ scope: 'openid' }));

  /** Returns the CPU time of the longest turn since the last call, in milliseconds. */
  async function longestTurn(): Promise<number> {
    main.child.kill('SIGWINCH');
    const [, ms] = await main.waitFor(new RegExp(`^longest turn ${++measured}: (.*)$`, 'm'));
    return Number(ms);
  }

  /** Runs an action while the second client sends requests, and expects that the process is not blocked meanwhile. */
  async function expectShortTurns<Result>(action: () => Promise<Result>, tooLongMs = TOO_LONG_MS.one): Promise<Result> {
    await longestTurn();
    const result = await second.during(action);
    expect(await longestTurn()).toBeLessThan(tooLongMs);
    return result;
  }

  test('while aliases multiply to more values than an operation may have: it is refused', async () => {
    const { status, errors } = await expectShortTurns(() => send(fields(15, 15), ids));
    expect([status, errors[0]?.extensions['validationErrorCode']]).toEqual([400, 'MAX_COST']);
    expect(emulator.calls).toEqual([]);
  });

  test('while a response with as many values as there may be is made, also if the document is new', async () => {
    for (const query of [fields(10, 9), fields(10, 9)]) {
      const { status, errors, text } = await expectShortTurns(() => send(query, ids));
      expect([status, errors]).toEqual([200, []]);
      expect(text.length).toBeGreaterThan(9_000_000);
    }
  });

  test('while a caller without rights asks for all users under 30 aliases: the operation is refused', async () => {
    const { status, errors } = await expectShortTurns(() => send(fields(30, 1), ids, WITHOUT_RIGHTS()));
    expect([status, errors[0]?.extensions['validationErrorCode']]).toEqual([400, 'MAX_COST']);
  });

  test('while a response with as many errors as there may be is made', async () => {
    const { status, errors } = await expectShortTurns(() => send(fields(30, 1), ids.slice(0, 120), WITHOUT_RIGHTS()));
    expect([status, errors.length]).toEqual([200, 3_600]);
  });

  test('while no user can be read under 30 aliases', async () => {
    emulator.faults.set('get-user-batch', 'http-503');
    const { status, errors } = await expectShortTurns(() => send(fields(30, 1), ids));
    expect([status, errors.length]).toEqual([200, 30_000]);
  });

  test('while a router asks for the timings of many fields: these are not measured', async () => {
    const ftv1 = { 'apollo-federation-include-trace': 'ftv1' };
    const { status, errors, text } = await expectShortTurns(() => send(fields(15, 15), ids.slice(0, 100), ftv1));
    expect([status, errors]).toEqual([200, []]);
    expect(text).not.toContain('ftv1');
    expect((await send(fields(1, 5), ids.slice(0, 100), ftv1)).text).toContain('ftv1');
  });

  test('while 300 requests ask for all users, and GenAuth does not respond', async () => {
    emulator.faults.set('get-user-batch', 'hang-before-execute');
    const query = fields(1, 1);
    const sendAll = () => Promise.all(Array.from({ length: 300 }, async () => (await send(query, ids)).status));
    const statuses = await expectShortTurns(sendAll, TOO_LONG_MS.many);
    expect(new Set(statuses)).toEqual(new Set([200]));
  }, 60_000);
});
