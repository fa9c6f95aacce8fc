import { createPool } from '../../src/emulator';
import { readLines, run, start, startSupergraph, type Supergraph } from './cli';
import { type Behaviour, type Router, startRouter } from './router';

const SOURCE = 'e'.padEnd(24, '0');
const REMOVED = [{ extIdpId: SOURCE, type: 'generic', userIdInIdp: expect.any(String) }];

describe('a router that loses', () => {
  let supergraph: Supergraph;
  let router: Router;
  let users: string[];
  beforeAll(async () => {
    const seed = createPool({ users: 40, identitiesPerUser: 1, applications: 1 });
    supergraph = await startSupergraph({ emulator: { seed, qps: Infinity } });
    router = await startRouter(supergraph.url);
    users = seed.users.map(({ id = '' }) => id);
  });
  afterAll(async () => {
    await router.close();
    await supergraph.close();
  });
  afterEach(() => (router.behave = () => 'forward'));

  let files = 0;
  async function fileOf(count: number): Promise<{ args: string[]; ids: string[]; journal: string }> {
    const ids = users.splice(0, count);
    const path = await supergraph.write(`users${++files}`, ids);
    const args = ['unlink', '--source', SOURCE, '--from', path, '--yes', '--rate', '100'];
    return { args, ids, journal: `${path}.${SOURCE}.jsonl` };
  }

  const unlink = (args: readonly string[]) => run({ ...supergraph, url: router.url }, args);

  /** Meets the first requests with a document that contains a word. */
  function meet(word: string, behaviour: Behaviour, times: number): void {
    let left = times;
    router.behave = (query) => (query.includes(word) && left-- > 0 ? behaviour : 'forward');
  }

  const unlinksOf = (ids: readonly string[]): number =>
    supergraph.stack.emulator.store.executions.filter(({ userId }) => ids.includes(userId)).length;

  test.each(['lose response', 'time out'] as const)(
    'the response to an unlink: it is settled by reading, and not sent again (%s)',
    async (behaviour) => {
      const { args, ids, journal } = await fileOf(3);
      meet('unlinkIdentity', behaviour, 2);
      expect(await unlink(args)).toMatchObject({ code: 0, summary: { users: 3, unlinked: 3, left: 0 } });
      expect(unlinksOf(ids)).toBe(3);
      const results = (await readLines(journal)).filter(({ state }) => state !== 'sending');
      expect(results).toMatchObject(ids.map(() => ({ state: 'unlinked', removed: REMOVED })));
    },
    60_000,
  );

  test.each(['lose request', 'page'] as const)(
    'the request of an unlink: the user is left, and the next run sends it (%s)',
    async (behaviour) => {
      const { args, ids, journal } = await fileOf(3);
      meet('unlinkIdentity', behaviour, 1);
      expect(await unlink(args)).toMatchObject({ code: 1, summary: { users: 3, unlinked: 2, left: 1 } });
      expect((await readLines(journal)).filter(({ state }) => state === 'stillLinked')).toHaveLength(1);
      expect(await unlink(args)).toMatchObject({ code: 0, summary: { doneBefore: 2, unlinked: 1, left: 0 } });
      expect(unlinksOf(ids)).toBe(3);
    },
    60_000,
  );

  test.each(['lose response', 'page'] as const)('reads: they are repeated (%s)', async (behaviour) => {
    const { args } = await fileOf(2);
    meet('ident', behaviour, 4);
    expect(await unlink(args)).toMatchObject({ code: 0, summary: { users: 2, unlinked: 2 } });
  });

  test('everything, until the run is interrupted: the outcome is unknown, and the next run reads it', async () => {
    const { args, ids, journal } = await fileOf(2);
    let isLost = false;
    router.behave = (query) => {
      isLost ||= query.includes('unlinkIdentity');
      return isLost ? 'lose response' : 'forward';
    };
    const { child, ended } = start(args, { IDENTITIES_URL: router.url, IDENTITIES_TOKEN: supergraph.token() });
    while (unlinksOf(ids) < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const { requests } = router;
    while (router.requests === requests) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, summary: { users: 2, unlinked: 0, left: 2 } });
    expect((await readLines(journal)).filter(({ state }) => state === 'unknown')).toHaveLength(2);
    router.behave = () => 'forward';
    expect(await unlink(args)).toMatchObject({ code: 0, summary: { users: 2, unlinked: 2, left: 0 } });
    expect(unlinksOf(ids)).toBe(2);
    const undone = await run(supergraph, ['undo', journal, '--yes']);
    expect(undone).toMatchObject({ code: 0, summary: { users: 2, linked: 2, left: 0 } });
  }, 60_000);

  test('the response to a sign-out: it is repeated, because signing out twice changes nothing more', async () => {
    const { args, ids } = await fileOf(2);
    meet('revokeSessions', 'lose response', 1);
    const { code, summary } = await unlink([...args, '--revoke-sessions']);
    expect([code, summary]).toMatchObject([0, { users: 2, unlinked: 2, signedOut: 2 }]);
    expect(ids.flatMap((id) => supergraph.stack.emulator.store.signedInApps(id))).toEqual([]);
  });
});
