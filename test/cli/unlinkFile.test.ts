import { existsSync, statSync } from 'node:fs';
import { createPool } from '../../src/emulator';
import { type Line, readLines, run, start, startSupergraph, type Supergraph } from './cli';

const [GITHUB, OTHER] = ['e'.padEnd(24, '0'), `e${'1'.padStart(23, '0')}`];

describe('identities unlink --from FILE', () => {
  let supergraph: Supergraph;
  let users: string[];
  beforeAll(async () => {
    const {
      extIdps,
      users: seeded,
      applications = [],
    } = createPool({ users: 240, identitiesPerUser: 2, applications: 1 });
    supergraph = await startSupergraph({
      emulator: { seed: { extIdps, applications, users: seeded }, qps: Infinity },
      env: { UPSTREAM_TIMEOUT_MS: '1000' },
    });
    users = seeded.map(({ id = '' }) => id);
  });
  afterAll(() => supergraph.close());
  afterEach(() => supergraph.stack.emulator.faults.clear());

  let files = 0;
  /** Writes the ids of users whom no test has used yet. */
  async function fileOf(count: number): Promise<{ path: string; ids: string[]; journal: string }> {
    const ids = users.splice(0, count);
    if (ids.length < count) throw new Error('there are no more users');
    const path = await supergraph.write(`users${++files}`, ids);
    return { path, ids, journal: `${path}.${GITHUB}.jsonl` };
  }

  const unlink = (path: string, args: readonly string[] = ['--yes'], env: Record<string, string> = {}, input = '') =>
    run(supergraph, ['unlink', '--source', GITHUB, '--from', path, '--rate', '500', ...args], env, input);

  function sourcesOf(userId: string): string[] {
    return supergraph.stack.emulator.store.identitiesOf(userId).map(({ extIdpId }) => extIdpId ?? '');
  }

  const unlinksOf = (ids: readonly string[]) =>
    supergraph.stack.emulator.store.executions.filter(({ userId }) => ids.includes(userId));

  /** The states of a journal, by user. */
  async function statesIn(journal: string): Promise<Record<string, string[]>> {
    const states: Record<string, string[]> = {};
    for (const { userId, state } of await readLines(journal)) (states[userId ?? ''] ??= []).push(state);
    return states;
  }

  test('unlinks every user once, with two lines in the journal, and the next run has nothing to do', async () => {
    const { path, ids, journal } = await fileOf(60);
    await supergraph.write(`users${files}`, `\ufeff${[...ids, '', ids[0], ids[1]].join('\r\n')}\r\n`);
    const first = await unlink(path, ['--yes', '--reason', '工单 42']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.summary).toEqual({
      users: 60,
      doneBefore: 0,
      unlinked: 60,
      notLinked: 0,
      left: 0,
      kept: 0,
      seconds: expect.any(Number),
      journal,
    });
    expect(ids.flatMap(sourcesOf)).toEqual(ids.map(() => OTHER));
    expect(unlinksOf(ids)).toHaveLength(60);
    const lines = await readLines(journal);
    expect(lines).toHaveLength(120);
    for (const userId of ids) {
      const removed = [{ extIdpId: GITHUB, type: 'generic', userIdInIdp: expect.any(String) }];
      expect(lines.filter((line) => line.userId === userId)).toEqual([
        expect.objectContaining({
          state: 'sending',
          removed,
          reason: '工单 42',
          xRequestId: expect.stringMatching(/^cli-/),
        }),
        expect.objectContaining({
          ...{ state: 'unlinked', removed, reason: '工单 42', ts: expect.stringMatching(/^\d{4}-.*Z$/) },
          ...{ operationId: expect.any(String), requestId: expect.any(String) },
        }),
      ]);
    }
    const second = await unlink(path);
    expect(second.summary).toMatchObject({ users: 60, doneBefore: 60, unlinked: 0, left: 0 });
    expect([second.code, unlinksOf(ids).length]).toEqual([0, 60]);
  });

  test('can be found in the audit trail by operationId, x-request-id and reason', async () => {
    const { path, journal } = await fileOf(1);
    await unlink(path, ['--yes', '--reason', '泄露 100%']);
    const [sending, result] = (await readLines(journal)) as [Line, Line];
    const intents = (await readLines(supergraph.audit)).filter(({ event }) => event === 'unlink.intent');
    expect(intents.at(-1)).toMatchObject({
      operationId: result['operationId'],
      requestId: sending['xRequestId'],
      reason: '泄露 100%',
    });
  });

  test('counts users who are unknown or have nothing linked as done, and lines that are no ids as left', async () => {
    const { path, ids, journal } = await fileOf(2);
    supergraph.stack.emulator.store.unlink({ userId: ids[1] ?? '', extIdpId: GITHUB });
    await supergraph.write(`users${files}`, [...ids, 'f'.repeat(24), 'userId,email', 'not-an-id']);
    const { code, summary, stderr } = await unlink(path);
    expect([code, summary]).toMatchObject([1, { users: 5, unlinked: 1, notLinked: 2, left: 2 }]);
    expect(stderr).toContain(`${path}, line 4: "userId,email" is not a user id`);
    expect(stderr).toContain(`${path}, line 5: "not-an-id" is not an id of this user pool`);
    expect(await statesIn(journal)).toEqual({
      ...{ [ids[0] ?? '']: ['sending', 'unlinked'], [ids[1] ?? '']: ['notLinked'], ['f'.repeat(24)]: ['notLinked'] },
      ...{ 'userId,email': ['failed'], 'not-an-id': ['failed'] },
    });
  });

  test.each([
    ['success-false', 'refused', {}],
    ['envelope-403/1234', 'refused', { apiCode: 1234 }],
    ['envelope-401', 'failed', { code: 'UPSTREAM_AUTH_FAILED' }],
    ['reset-before-execute', 'stillLinked', {}],
  ] as const)(
    'leaves users in the state that the payload or a read shows: %s',
    async (fault, state, members) => {
      const { path, ids, journal } = await fileOf(2);
      supergraph.stack.emulator.faults.set('unlink-identity', fault, { userId: ids[0] ?? '' });
      const first = await unlink(path);
      expect([first.code, first.summary]).toMatchObject([1, { users: 2, unlinked: 1, left: 1 }]);
      expect(first.stderr).toContain('The same command continues.');
      const lines = await readLines(journal);
      expect(lines.findLast(({ userId }) => userId === ids[0])).toMatchObject({ state, ...members });
      supergraph.stack.emulator.faults.clear();
      const second = await unlink(path);
      expect([second.code, second.summary]).toMatchObject([0, { users: 2, doneBefore: 1, unlinked: 1, left: 0 }]);
    },
    60_000,
  );

  test('settles a lost response by reading', async () => {
    const { path, ids, journal } = await fileOf(2);
    // After the reads of the subgraph, before the last one of the command.
    supergraph.stack.emulator.faults.set('unlink-identity', 'execute-late:7000', { userId: ids[0] ?? '' });
    const { code, summary } = await unlink(path);
    expect([code, summary]).toMatchObject([0, { users: 2, unlinked: 2 }]);
    const removed = [{ extIdpId: GITHUB, type: 'generic', userIdInIdp: expect.any(String) }];
    expect((await readLines(journal)).filter(({ state }) => state === 'unlinked')).toMatchObject([
      { removed },
      { removed },
    ]);
    expect(unlinksOf(ids)).toHaveLength(2);
  }, 60_000);

  test('pauses and goes on when GenAuth limits the rate', async () => {
    const { path, ids } = await fileOf(10);
    supergraph.stack.emulator.faults.set('unlink-identity', 'http-429:1', { times: 4 });
    const { code, summary } = await unlink(path);
    expect([code, summary]).toMatchObject([0, { users: 10, unlinked: 10 }]);
    expect(unlinksOf(ids)).toHaveLength(10);
  });

  test('goes on after reads have failed', async () => {
    const { path } = await fileOf(3);
    supergraph.stack.emulator.faults.set('get-user-batch', 'http-502', { times: 4 });
    const { code, summary } = await unlink(path);
    expect([code, summary]).toMatchObject([0, { users: 3, unlinked: 3 }]);
  });

  test('counts in a dry run, and changes nothing', async () => {
    const { path, ids, journal } = await fileOf(3);
    const [linked = '', last = ''] = ids;
    supergraph.stack.emulator.store.unlink({ userId: last, extIdpId: OTHER });
    supergraph.stack.emulator.store.unlink({ userId: ids[2] ?? '', extIdpId: GITHUB });
    await supergraph.write(`users${files}`, [...ids, linked, 'userId,email']);
    const { code, summary } = await unlink(path, ['--dry-run']);
    expect(code).toBe(0);
    expect(summary).toEqual({ dryRun: true, users: 4, linked: 2, notLinked: 1, lockedOut: 1, unreadable: 1 });
    expect([existsSync(journal), unlinksOf(ids)]).toEqual([false, []]);
  });

  test('keeps the last way to sign in with --keep-last, and the next run tries again', async () => {
    const { path, ids, journal } = await fileOf(2);
    supergraph.stack.emulator.store.unlink({ userId: ids[0] ?? '', extIdpId: OTHER });
    const kept = await unlink(path, ['--yes', '--keep-last']);
    expect([kept.code, kept.summary]).toMatchObject([1, { users: 2, unlinked: 1, left: 1, kept: 1 }]);
    expect((await statesIn(journal))[ids[0] ?? '']).toEqual(['kept']);
    const second = await unlink(path);
    expect([second.code, second.summary]).toMatchObject([0, { doneBefore: 1, unlinked: 1, kept: 0 }]);
  });

  test('signs out with --revoke-sessions, also users whom an earlier run unlinked', async () => {
    const { path, ids, journal } = await fileOf(3);
    await supergraph.write(`users${files}`, ids.slice(0, 1));
    expect((await unlink(path)).summary).not.toHaveProperty('signedOut');
    await supergraph.write(`users${files}`, ids);
    supergraph.stack.emulator.faults.set('kick-users', 'success-false', { userId: ids[1] ?? '' });
    const first = await unlink(path, ['--yes', '--revoke-sessions']);
    expect([first.code, first.summary]).toMatchObject([1, { users: 3, unlinked: 2, left: 1, signedOut: 2 }]);
    supergraph.stack.emulator.faults.clear();
    const second = await unlink(path, ['--yes', '--revoke-sessions']);
    expect([second.code, second.summary]).toMatchObject([0, { doneBefore: 2, unlinked: 1, signedOut: 1 }]);
    expect(ids.flatMap((id) => supergraph.stack.emulator.store.signedInApps(id))).toEqual([]);
    const lines = (await readLines(journal)).filter(({ userId, state }) => userId === ids[1] && state !== 'sending');
    const removed = [{ extIdpId: GITHUB, type: 'generic', userIdInIdp: expect.any(String) }];
    expect(lines).toMatchObject([
      { state: 'failed', removed },
      { state: 'unlinked', removed, signedOut: true },
    ]);
  });

  test('stops at once when the token does not permit it, and writes down what was begun', async () => {
    const { path, ids, journal } = await fileOf(20);
    const { code, summary, stderr } = await unlink(path, ['--yes', '--rate', '2'], {
      IDENTITIES_TOKEN: supergraph.token('identity:read'),
    });
    expect([code, summary]).toMatchObject([3, { users: 20, unlinked: 0, left: 20 }]);
    expect(stderr).toContain('The token does not permit this.');
    const states = Object.values(await statesIn(journal));
    expect(states.length).toBeLessThan(5);
    expect(states.filter((each) => each.join() !== 'sending,failed')).toEqual([]);
    expect(unlinksOf(ids)).toEqual([]);
  });

  test.each([
    ['of its scopes', { scope: 'email' }],
    ['it has expired', { exp: 1 }],
  ])('is not allowed with a token because %s', async (_name, claims) => {
    const { path, journal } = await fileOf(1);
    const token = supergraph.issuer.token({ sub: undefined, scope: 'identity:read identity:unlink', ...claims });
    const { code, summary, stderr, stdout } = await unlink(path, ['--yes'], { IDENTITIES_TOKEN: token });
    expect([code, summary]).toMatchObject([3, { users: 1, left: 1 }]);
    expect(stderr + stdout).not.toContain(token);
    expect(existsSync(journal)).toBe(false);
  });

  test.each(['n\n', 'nope\n', '', 'yess\n'])('does nothing if the answer is %j', async (answer) => {
    const { path, ids, journal } = await fileOf(1);
    const { code, summary, stderr } = await unlink(path, [], {}, answer);
    expect([code, summary]).toMatchObject([2, { users: 1, unlinked: 0, left: 1 }]);
    expect(stderr).toMatch(/^Unlink 1 users from wechat 0 \(e0+\)\? \[y\/N\]/);
    expect([existsSync(journal), unlinksOf(ids)]).toEqual([false, []]);
  });

  test.each(['y\n', 'YES\r\n'])('asks, and begins if the answer is %j', async (answer) => {
    const { path } = await fileOf(1);
    const { code, summary } = await unlink(path, [], {}, answer);
    expect([code, summary]).toMatchObject([0, { users: 1, unlinked: 1 }]);
  });

  test('finishes what was begun when it is interrupted, and the same command continues', async () => {
    const { path, ids, journal } = await fileOf(20);
    supergraph.stack.emulator.faults.set('unlink-identity', 'latency:300');
    const args = ['unlink', '--source', GITHUB, '--from', path, '--rate', '10', '--yes'];
    const env = { IDENTITIES_URL: supergraph.url, IDENTITIES_TOKEN: supergraph.token() };
    const { child, ended } = start(args, env);
    while (unlinksOf(ids).length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    // npm passes the signal on, so that the process gets it twice.
    child.kill('SIGINT');
    child.kill('SIGINT');
    const { code, summary } = await ended;
    expect([code, summary['users']]).toEqual([130, 20]);
    expect(summary['left']).toBeGreaterThan(0);
    const states = Object.values(await statesIn(journal));
    expect(states).toHaveLength(Number(summary['unlinked']));
    expect(states.filter((each) => each.join() !== 'sending,unlinked')).toEqual([]);
    supergraph.stack.emulator.faults.clear();
    const second = await unlink(path);
    expect([second.code, second.summary]).toMatchObject([0, { doneBefore: summary['unlinked'], left: 0 }]);
    expect(unlinksOf(ids)).toHaveLength(20);
  });

  test('ends at once when it is interrupted twice', async () => {
    const { path, journal } = await fileOf(1);
    supergraph.stack.emulator.faults.set('unlink-identity', 'hang-before-execute');
    const args = ['unlink', '--source', GITHUB, '--from', path, '--yes'];
    const { child, ended } = start(args, { IDENTITIES_URL: supergraph.url, IDENTITIES_TOKEN: supergraph.token() });
    while (!existsSync(journal) || statSync(journal).size === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 400));
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect([code, stdout]).toEqual([130, '']);
  });

  test('is refused while another run has the journal', async () => {
    const { path } = await fileOf(1);
    supergraph.stack.emulator.faults.set('unlink-identity', 'latency:1500');
    const first = unlink(path);
    while (!existsSync(`${path}.${GITHUB}.jsonl`)) await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await unlink(path);
    expect([second.code, second.stderr]).toEqual([2, expect.stringContaining('Another run is using')]);
    expect(await first).toMatchObject({ code: 0, summary: { unlinked: 1 } });
  });
});
