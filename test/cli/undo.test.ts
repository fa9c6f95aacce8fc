import { readFile, writeFile } from 'node:fs/promises';
import { createPool } from '../../src/emulator';
import { readLines, run, startSupergraph, type Supergraph } from './cli';

const GITHUB = 'e'.padEnd(24, '0');

describe('identities undo', () => {
  let supergraph: Supergraph;
  let users: string[];
  beforeAll(async () => {
    const seed = createPool({ users: 60, identitiesPerUser: 2 });
    supergraph = await startSupergraph({ emulator: { seed, qps: Infinity } });
    users = seed.users.map(({ id = '' }) => id);
  });
  afterAll(() => supergraph.close());
  afterEach(() => supergraph.stack.emulator.faults.clear());

  let files = 0;
  /** Unlinks users whom no test has used yet. @returns The journal of the run. */
  async function unlinked(count: number): Promise<{ path: string; ids: string[]; journal: string }> {
    const ids = users.splice(0, count);
    if (ids.length < count) throw new Error('there are no more users');
    const path = await supergraph.write(`users${++files}`, ids);
    const ended = await run(supergraph, ['unlink', '--source', GITHUB, '--from', path, '--yes']);
    if (ended.code !== 0) throw new Error(ended.stderr);
    return { path, ids, journal: `${path}.${GITHUB}.jsonl` };
  }

  const undo = (journal: string, env: Record<string, string> = {}, args: readonly string[] = ['--yes'], input = '') =>
    run(supergraph, ['undo', journal, ...args], env, input);

  function identitiesOf(ids: readonly string[]): (string | null)[][] {
    const { store } = supergraph.stack.emulator;
    return ids.map((id) =>
      store
        .identitiesOf(id)
        .map(({ extIdpId, userIdInIdp }) => `${extIdpId} ${userIdInIdp}`)
        .sort(),
    );
  }

  test('links again what a run removed, and the same command has nothing to do afterwards', async () => {
    const { ids, journal } = await unlinked(5);
    expect(identitiesOf(ids).flat()).toHaveLength(5);
    const first = await undo(journal);
    expect([first.code, first.summary, first.stderr]).toEqual([0, { users: 5, linked: 5, left: 0 }, '']);
    expect(identitiesOf(ids).flat()).toHaveLength(10);
    const links = supergraph.stack.emulator.store.linkExecutions.length;
    const second = await undo(journal);
    expect([second.code, second.summary]).toEqual([0, { users: 5, linked: 5, left: 0 }]);
    expect(supergraph.stack.emulator.store.linkExecutions).toHaveLength(links);
    const lines = await readLines(`${journal}.undo.jsonl`);
    expect(lines.map(({ state }) => state).sort()).toEqual([...Array(5).fill('linked'), ...Array(5).fill('sending')]);
  });

  test('has to be confirmed', async () => {
    const { ids, journal } = await unlinked(1);
    const no = await undo(journal, {}, [], 'no\n');
    expect([no.code, no.summary]).toEqual([2, { users: 1, linked: 0, left: 1 }]);
    expect(identitiesOf(ids).flat()).toHaveLength(1);
    expect(await undo(journal, {}, [], 'yes\n')).toMatchObject({ code: 0, summary: { linked: 1 } });
  });

  test('lists what cannot be linked again, and tries it again', async () => {
    const { ids, journal } = await unlinked(4);
    const [taken = '', gone = '', unknown = ''] = ids;
    const { store } = supergraph.stack.emulator;
    const [line] = (await readLines(journal)).filter(({ userId }) => userId === taken);
    const userIdInIdp = line?.removed?.[0]?.userIdInIdp ?? '';
    supergraph.stack.emulator.switches.linkTaken = '409';
    store.link(users.at(-1) ?? '', { extIdpId: GITHUB, type: 'generic', userIdInIdp });
    const text = (await readFile(journal, 'utf8'))
      .split('\n')
      .filter((each) => !each.includes(gone))
      .map((each) => (each.includes(unknown) ? each.replace(/,"removed":\[.*?\]/, '') : each));
    const ofGone = { ts: new Date().toISOString(), userId: 'f'.repeat(24), state: 'unlinked', extIdpId: GITHUB };
    const removed = [{ extIdpId: GITHUB, type: 'generic', userIdInIdp: 'x' }];
    await writeFile(journal, `${text.join('\n')}${JSON.stringify({ ...ofGone, removed })}\n`);
    const { code, summary, stderr } = await undo(journal);
    expect([code, summary]).toEqual([1, { users: 4, linked: 1, left: 3 }]);
    expect(stderr.split('\n').sort()).toEqual([
      '',
      expect.stringMatching(`^Cannot be linked again: ${taken}, ${userIdInIdp} \\(generic\\): GenAuth refused`),
      `Cannot be linked again: ${unknown}, the journal does not say what was removed`,
      `Cannot be linked again: ${'f'.repeat(24)}, there is no such user`,
    ]);
    store.unlink({ userId: users.at(-1) ?? '', extIdpId: GITHUB });
    expect(await undo(journal)).toMatchObject({ code: 1, summary: { users: 4, linked: 2, left: 2 } });
  });

  test('is complete after a kill: it links what an unlink without a result has removed', async () => {
    const { ids, journal } = await unlinked(3);
    const lines = await readLines(journal);
    // As if the process was killed before the results.
    const sending = (await readFile(journal, 'utf8')).split('\n').filter((line) => line.includes('"sending"'));
    await writeFile(journal, `${sending.join('\n')}\n{"ts":"2026-1`);
    // One of them was not executed.
    const userIdInIdp = lines.find(({ userId }) => userId === ids[0])?.removed?.[0]?.userIdInIdp ?? '';
    const identity = { extIdpId: GITHUB, type: 'generic', userIdInIdp };
    supergraph.stack.emulator.store.link(ids[0] ?? '', identity);
    expect(await undo(journal)).toMatchObject({ code: 0, summary: { users: 3, linked: 3, left: 0 } });
    expect(identitiesOf(ids).flat()).toHaveLength(6);
  });

  test('settles a lost response by reading', async () => {
    const { ids, journal } = await unlinked(1);
    supergraph.stack.emulator.faults.set('link-identity', 'reset-after-execute');
    expect(await undo(journal)).toMatchObject({ code: 0, summary: { linked: 1 } });
    expect(identitiesOf(ids).flat()).toHaveLength(2);
  });

  test('stops when the token does not permit it', async () => {
    const { ids, journal } = await unlinked(3);
    const ended = await undo(journal, { IDENTITIES_TOKEN: supergraph.token('identity:read identity:unlink') });
    expect([ended.code, ended.summary]).toEqual([3, { users: 3, linked: 0, left: 3 }]);
    expect(identitiesOf(ids).flat()).toHaveLength(3);
  });

  test('ends the run: the same unlink is refused, because its journal says that it is done', async () => {
    const { path, journal } = await unlinked(1);
    await undo(journal);
    const again = await run(supergraph, ['unlink', '--source', GITHUB, '--from', path, '--yes']);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('was undone')]);
  });

  test.each([
    ['there is no such file', 'none.jsonl', /^The journal cannot be used: .* \(ENOENT\)/],
    ['it is another file', 'users', /^Line 1 of .* is not a line of a journal/],
  ])('is refused if %s', async (_name, file, problem) => {
    await supergraph.write('users', users.slice(-1));
    const { code, stderr } = await undo(`${supergraph.folder}/${file}`);
    expect([code, stderr]).toEqual([2, expect.stringMatching(problem)]);
  });
});
