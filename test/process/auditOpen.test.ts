import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Emulator, type Fault, startEmulator } from '../../src/emulator';
import { startMain } from '../support/main';
import { run, type Running } from '../support/process';
import { ask, UNLINK } from '../support/stack';

const UNLINK_ROUTE = 'POST /api/v3/unlink-identity';

interface AuditLine {
  event: string;
  operationId: string;
  target: { userId: string; extIdpId: string; type: string | null };
  outcome?: string;
}

interface Target {
  userId: string;
  extIdpId: string;
}

const NOBODY: Target = { userId: '', extIdpId: '' };

let emulator: Emulator;
let folder: string;
let file: string;
let env: Record<string, string>;
const started: Running[] = [];

beforeEach(async () => {
  emulator = await startEmulator({ seed: createPool({ users: 40, identitiesPerUser: 2 }) });
  folder = await mkdtemp(join(tmpdir(), 'audit-open-'));
  file = join(folder, 'audit.log');
  env = {
    GENAUTH_HOST: emulator.url,
    GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
    GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
  };
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop('SIGKILL')));
  await emulator.close();
  await rm(folder, { recursive: true });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

async function auditLines(): Promise<AuditLine[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as AuditLine);
}

async function auditOpen(args: readonly string[], environment = env): Promise<{ code: number | null; output: string }> {
  const command = run(['dist/auditOpen.js', ...args], environment);
  started.push(command);
  const code = await command.exited;
  expect(command.output()).not.toContain(emulator.accessKeySecret);
  return { code, output: command.output() };
}

const reconcile = () => auditOpen([file, '--reconcile', '--older-than', '0']);

/** Targets of unlinks: the first identity of each of the first users. */
function targets(count: number): Target[] {
  return emulator.store.users().flatMap(({ profile, identities }, index) => {
    const [identity] = identities;
    if (index >= count || identity === undefined) return [];
    return [{ userId: profile.userId, extIdpId: identity.extIdpId }];
  });
}

function users(of: readonly { userId: string }[]): string[] {
  return of.map(({ userId }) => userId);
}

function isLinked({ userId, extIdpId }: Target): boolean {
  return emulator.store.identitiesOf(userId).some((row) => row.extIdpId === extIdpId);
}

/** Starts the production process, sends concurrent unlinks, and kills the process at a given moment. */
async function killWhen(moment: () => boolean, unlinks: readonly Target[]): Promise<void> {
  const main = await startMain(emulator, { ...env, AUDIT_LOG: file });
  started.push(main);
  const answers = Promise.allSettled(unlinks.map((target) => ask(`${main.url}/graphql`, UNLINK, { ...target })));
  await until(moment);
  await main.stop('SIGKILL');
  await answers;
}

const arrived = (): boolean => emulator.calls.some(({ route }) => route === UNLINK_ROUTE);
const executed = (): boolean => emulator.store.executions.length > 0;

describe('a process that is killed in the middle of an unlink', () => {
  const moments: [string, Fault, () => boolean][] = [
    ['after GenAuth executed it, before the answer', 'hang-after-execute', executed],
    ['before GenAuth executes it, which it does later', 'latency:700', arrived],
    ['within the answer', 'drip', executed],
  ];
  test.each(moments)('leaves an intent, which a read settles: %s', async (_moment, fault, moment) => {
    emulator.faults.set('unlink-identity', fault);
    const [target = NOBODY] = targets(1);
    await killWhen(moment, [target]);
    await until(executed);

    const before = await auditLines();
    expect(before).toMatchObject([{ event: 'unlink.intent', target: { ...target, type: null } }]);
    const { operationId = '' } = before[0] ?? {};
    const listed = await auditOpen([file], {});
    expect(listed.code).toBe(1);
    expect(listed.output).toContain(operationId);

    const settled = await reconcile();
    expect(settled.output).toMatch(new RegExp(`${operationId} .* settled: verified_absent\\n1 settled, 0 of 1 left`));
    expect(settled.code).toBe(0);
    const [intent, outcome, ...more] = await auditLines();
    expect(more).toEqual([]);
    expect(outcome).toEqual({
      ...intent,
      ts: expect.any(String) as string,
      event: 'unlink.outcome',
      outcome: 'verified_absent',
      removed: null,
      upstream: { statusCode: null, apiCode: null, requestId: null, attempts: 0 },
      latencyMs: expect.any(Number) as number,
    });
    expect(await auditOpen([file], {})).toEqual({ code: 0, output: 'Every write is settled.\n' });
  });

  test('leaves an intent that stays open while the identity is linked, and appends nothing', async () => {
    emulator.faults.set('unlink-identity', 'hang-before-execute');
    const [target = NOBODY] = targets(1);
    await killWhen(arrived, [target]);

    const before = await readFile(file, 'utf8');
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    expect(output).toContain('open: still linked');
    expect(await readFile(file, 'utf8')).toBe(before);

    emulator.store.unlink(target);
    expect((await reconcile()).code).toBe(0);
    expect(await auditLines()).toHaveLength(2);
  });

  test.each([1, 7, 20])(
    'among many has left an intent for each that GenAuth executed, killed after %i',
    async (count) => {
      emulator.faults.set('unlink-identity', 'latency:50');
      await killWhen(() => emulator.store.executions.length >= count, targets(40));
      const atLeast = users(emulator.store.executions);
      expect(atLeast.length).toBeGreaterThanOrEqual(count);

      const intents = (await auditLines()).filter(({ event }) => event === 'unlink.intent');
      await reconcile();
      const { output } = await auditOpen([file], {});
      const outcomes = (await auditLines()).filter(({ event }) => event === 'unlink.outcome');
      expect(users(outcomes.map(({ target }) => target))).toEqual(expect.arrayContaining(atLeast));
      expect(outcomes.filter(({ target }) => isLinked(target))).toEqual([]);
      const ended = new Set(outcomes.map(({ operationId }) => operationId));
      const left = intents.filter(({ operationId }) => !ended.has(operationId));
      expect(left.filter(({ operationId }) => !output.includes(operationId))).toEqual([]);
      // Checked last, because GenAuth may execute a request after the process was killed.
      expect(users(intents.map(({ target }) => target))).toEqual(
        expect.arrayContaining(users(emulator.store.executions)),
      );
    },
  );
});

async function writeIntents(intents: readonly (Target & { type?: string })[], changes: object = {}): Promise<void> {
  const lines = intents.map(({ type = null, ...target }, index) =>
    JSON.stringify({
      ts: '2026-01-01T00:00:00.000Z',
      event: 'unlink.intent',
      operationId: `operation-${index}`,
      actor: { iss: 'https://issuer.example', sub: `user-${index}`, azp: null, scopes: [] },
      target: { ...target, type },
      ...changes,
    }),
  );
  await appendFile(file, `${lines.join('\n')}\n`);
}

describe('npm run audit:open', () => {
  test('lists time, id, actor and target in one line per intent, without control characters', async () => {
    const [target = NOBODY] = targets(1);
    await writeIntents([target], { actor: { iss: 'i', sub: 'a\u001b[2Jb\u009b', azp: null, scopes: [] } });
    await writeIntents([target], { operationId: 'of-the-router', actor: null });
    const { code, output } = await auditOpen([file], {});
    expect(code).toBe(1);
    expect(output.replace(/ +/g, ' ')).toBe(
      `ts operationId actor write target state
2026-01-01T00:00:00.000Z operation-0 a?[2Jb? unlink ${target.userId} ${target.extIdpId} (any type) open
2026-01-01T00:00:00.000Z of-the-router (router) unlink ${target.userId} ${target.extIdpId} (any type) open
2 of 2 left: 2 open, 0 unknown, 0 abandoned.
`,
    );
  });

  test('lists an intent that may be in progress, and does not read its user', async () => {
    await writeIntents(targets(1), { ts: new Date().toISOString() });
    const { code, output } = await auditOpen([file, '--reconcile']);
    expect(code).toBe(1);
    expect(output).toContain('open: may be in progress');
    expect(emulator.calls).toEqual([]);
    expect(await auditLines()).toHaveLength(1);
  });

  test('compares the type if the intent has one', async () => {
    const [{ profile, identities } = { profile: { userId: '' }, identities: [] }] = emulator.store.users();
    const { extIdpId = '', type = '' } = identities[0] ?? {};
    await writeIntents([
      { userId: profile.userId, extIdpId, type },
      { userId: profile.userId, extIdpId, type: 'other' },
    ]);
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    // GenAuth documents no meaning of a type that no identity has, so it may stand for each of them.
    expect(output).toMatch(/operation-0 .* open: still linked\n.*operation-1 .* open: still linked\n/);
    emulator.store.unlink({ userId: profile.userId, extIdpId });
    expect((await reconcile()).output).toContain('2 settled, 0 of 2 left');
  });

  test('reads users with rows that have no id, and leaves an intent open if the response has no identities', async () => {
    const [extIdpId, otherId] = ['a'.repeat(24), 'b'.repeat(24)];
    const userId = emulator.store.addUser({ rawIdentities: [{ extIdpId, type: null }, { extIdpId: 5 }, null] });
    const hidden = emulator.store.addUser({ rawIdentities: [], identitiesAs: 'absent' });
    await writeIntents([
      { userId, extIdpId },
      { userId, extIdpId: otherId },
      { userId: hidden, extIdpId },
    ]);
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    expect(output).toMatch(/operation-0 .* open: still linked\n.*operation-1 .* settled: .*\n.*operation-2 .* open: /);
  });

  test('leaves an intent open if there is no response, no such user, or an invalid id', async () => {
    emulator.faults.set('get-user-batch', [{ fault: 'http-502' }]);
    await writeIntents(targets(1));
    expect((await reconcile()).output).toContain('open: GenAuth could not be read (http_error)');
    emulator.faults.clear();
    await rm(file);
    await writeIntents(['f'.repeat(24), 'f'].map((userId) => ({ userId, extIdpId: userId })));
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    expect(output).toMatch(/operation-0 .*GenAuth does not know the user\n.*operation-1 .*userId is not an id/);
    expect(await auditLines()).toHaveLength(2);
  });

  test('continues after a truncated line, and reports the number of unreadable lines', async () => {
    const [target = NOBODY] = targets(1);
    emulator.store.unlink(target);
    await writeIntents([target]);
    await appendFile(file, '{"ts":"2026-01-01T00:0');
    const { code, output } = await reconcile();
    expect(output).toContain('1 lines cannot be read, and their records are not listed: line 2.');
    expect(output).toContain('1 settled, 0 of 1 left');
    expect(code).toBe(1);
    const again = await auditOpen([file], {});
    expect(again.code).toBe(1);
    expect(again.output).toContain('Every write is settled.');
  });

  test('lists unknown and abandoned outcomes as kinds of their own, and settles them, too', async () => {
    const [first = NOBODY, second = NOBODY, third = NOBODY] = targets(3);
    await writeIntents([first, second, third]);
    const outcomes = ['unknown', 'abandoned'].map((outcome, index) => {
      return JSON.stringify({ event: 'unlink.outcome', operationId: `operation-${index}`, outcome });
    });
    await appendFile(file, `${outcomes.join('\n')}\n`);
    const listed = await auditOpen([file], {});
    expect(listed.code).toBe(1);
    expect(listed.output).toMatch(/operation-0 .* unknown\n.*operation-1 .* abandoned\n.*operation-2 .* open\n/);
    expect(listed.output).toContain('3 of 3 left: 1 open, 1 unknown, 1 abandoned.');
    emulator.store.unlink(first);
    expect((await reconcile()).output).toMatch(
      /operation-0 .* settled: verified_absent\n.*operation-1 .* abandoned: still linked\n.*operation-2 .* open: still linked\n/,
    );
    expect((await auditOpen([file], {})).output).toContain('2 of 2 left: 1 open, 0 unknown, 1 abandoned.');
  });

  test('settles no write with an invalid id or type, or with a date in the future', async () => {
    const [target = NOBODY] = targets(1);
    emulator.store.unlink(target);
    await writeIntents([target], { operationId: 'future', ts: '2999-01-01T00:00:00.000Z' });
    await writeIntents([target], { operationId: 'source', target: { ...target, extIdpId: '../x', type: null } });
    await writeIntents([target], { operationId: 'type', target: { ...target, type: 'a b' } });
    const before = await readFile(file, 'utf8');
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    expect(output).toMatch(/future .* open: the date is in the future\n.*source .*extIdpId .*\n.*type .*type must be/);
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(emulator.calls).toEqual([]);
  });

  test('reports its progress', async () => {
    emulator.faults.set('get-user-batch', 'latency:1500');
    await writeIntents(targets(8));
    const { output } = await reconcile();
    expect(output).toMatch(/^read \d of 8 \.\.\.$/m);
    expect(output).toContain('8 of 8 left');
  });

  test.each([
    ['no file', []],
    ['two files', ['a', 'b']],
    ['an option that there is not', ['a', '--all']],
    ['an age that is no number', ['a', '--older-than', '1m']],
    ['a file that is not there', ['/nowhere/audit.log']],
    ['a folder', ['/']],
  ])('exits with 2 if the command line is invalid: %s', async (_what, args) => {
    const { code, output } = await auditOpen(args);
    expect(code).toBe(2);
    expect(output).toMatch(/See --help\.\n$/);
  });

  test('requires the variables of GenAuth to reconcile, and names all invalid ones without their values', async () => {
    await writeFile(file, '');
    const bad = { GENAUTH_ACCESS_KEY_SECRET: 'sentinel secret', GENAUTH_HOST: 'sentinel', PORT: 'sentinel' };
    const { code, output } = await auditOpen([file, '--reconcile'], bad);
    expect(code).toBe(2);
    for (const name of ['GENAUTH_HOST', 'GENAUTH_ACCESS_KEY_ID', 'GENAUTH_ACCESS_KEY_SECRET']) {
      expect(output).toMatch(new RegExp(`^  ${name} (must|is)`, 'm'));
    }
    expect(output).not.toMatch(/sentinel|PORT/);
  });

  test('prints its help', async () => {
    const { code, output } = await auditOpen(['--help'], {});
    expect(code).toBe(0);
    expect(output).toMatch(/Usage: npm run audit:open -- FILE/);
  });
});
