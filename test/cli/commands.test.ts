import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Seed, SeedUser } from '../../src/emulator';
import { readLines, run, startSupergraph, type Supergraph } from './cli';

const [WECHAT, GITHUB, FIRST, SECOND] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(24)) as [
  string,
  string,
  string,
  string,
];

/** A user with three identities, two of them under one source. */
function person(number: number): SeedUser & { id: string } {
  return {
    id: `1${String(number).padStart(23, '0')}`,
    hasPassword: true,
    identities: [
      { extIdpId: WECHAT, type: 'openid', userIdInIdp: `open-${number}`, userInfoInIdp: { nickname: '三儿' } },
      { extIdpId: WECHAT, type: 'unionid', userIdInIdp: `union-${number}` },
      { extIdpId: GITHUB, userIdInIdp: `github-${number}` },
    ],
  };
}

const ZHANG = person(0).id;
const [ADA, EMPTY, NOBODY] = ['2'.repeat(24), '3'.repeat(24), 'f'.repeat(24)] as const;

const SEED: Seed = {
  extIdps: [
    { id: WECHAT, name: '微信', type: 'wechat' },
    { id: GITHUB, name: 'Git\u001b[2JHub\u202e', type: 'github' },
    { id: FIRST, name: 'Directory', type: 'ldap' },
    { id: SECOND, name: 'Directory', type: 'saml' },
  ],
  users: [
    ...Array.from({ length: 10 }, (_, number) => person(number)),
    { id: ADA, identities: [{ extIdpId: GITHUB, userIdInIdp: '1025', userInfoInIdp: { login: 'ada' } }] },
    { id: EMPTY, hasPassword: true },
  ],
};

describe('identities', () => {
  let supergraph: Supergraph;
  beforeAll(async () => {
    supergraph = await startSupergraph({ emulator: { seed: SEED }, env: { LAST_IDENTITY_GUARD: 'all' } });
  });
  afterAll(() => supergraph.close());
  afterEach(() => supergraph.stack.emulator.faults.clear());

  let people = 0;
  /** Returns a user whom no test has changed yet. */
  function next(): { id: string; openId: string; unionId: string } {
    const number = ++people;
    return { id: person(number).id, openId: `open-${number}`, unionId: `union-${number}` };
  }

  const identitiesOf = (userId: string): unknown[] => [...supergraph.stack.emulator.store.identitiesOf(userId)];

  describe('list', () => {
    test('aligns names of any script, and prints no control characters', async () => {
      const { code, stdout } = await run(supergraph, ['list', ZHANG, ADA, EMPTY, NOBODY]);
      expect(code).toBe(0);
      expect(stdout.split('\n')).toEqual([
        `USER                      SOURCE       LABEL  TYPE     ACCOUNT   NOTE`,
        `${ZHANG}  微信         三儿   openid   open-0`,
        `${ZHANG}  微信                unionid  union-0`,
        `${ZHANG}  Git\ufffd[2JHub\ufffd         generic  github-0`,
        `${ADA}  Git\ufffd[2JHub\ufffd  ada    generic  1025      last way to sign in`,
        `${EMPTY}                                         nothing linked`,
        `${NOBODY}                                         no such user`,
        '',
      ]);
    });

    test('prints the result of identityUsers with --json', async () => {
      const { code, stdout } = await run(supergraph, ['list', '--json', ADA, NOBODY]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual([
        { id: ADA, identities: [expect.objectContaining({ extIdpId: GITHUB, userIdInIdp: '1025', label: 'ada' })] },
        null,
      ]);
    });

    test('names users who cannot be read, and ends with 1', async () => {
      const { code, stdout, stderr } = await run(supergraph, ['list', ADA, 'no-id']);
      expect([code, stderr]).toEqual([1, 'no-id cannot be read (BAD_USER_INPUT).\n']);
      expect(stdout).toMatch(/ada .*\n.*cannot be read \(BAD_USER_INPUT\)/);
    });
  });

  describe('find', () => {
    test('prints the owner of each account, in the same order', async () => {
      const { code, stdout } = await run(supergraph, ['find', '--source', GITHUB, '1025', 'none', 'github-0', '1025']);
      expect([code, stdout]).toEqual([0, `1025\t${ADA}\nnone\t-\ngithub-0\t${ZHANG}\n1025\t${ADA}\n`]);
    });

    test('reads a file, and prints JSON', async () => {
      const path = await supergraph.write('accounts', `\ufeff1025\r\n\r\nnone\r\n`);
      const { code, stdout } = await run(supergraph, ['find', '--source', GITHUB, '--from', path, '--json']);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual([
        { account: '1025', userId: ADA },
        { account: 'none', userId: null },
      ]);
    });

    test('does not say of an account that is none, or cannot be read, that it has no owner', async () => {
      const path = await supergraph.write('accounts', ['a&b', '1025']);
      supergraph.stack.emulator.faults.set('get-user-batch', 'envelope-403');
      const { code, stdout, stderr } = await run(supergraph, ['find', '--source', GITHUB, '--from', path]);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('Line 1: "a&b" is not an account id');
      expect(stderr).toContain('The owner of 1025 cannot be read (UPSTREAM_REJECTED).');
    });
  });

  describe('unlink USER SOURCE', () => {
    test('shows what it will unlink, asks, and shows what is left', async () => {
      const { id } = next();
      const { code, stdout, stderr } = await run(supergraph, ['unlink', id, '微信'], {}, 'y\n');
      expect(code).toBe(0);
      expect(stderr).toMatch(
        /openid .*\n.*unionid .*\nUnlink 1\d+ from 微信 \(a+\)\? \[y\/N\] Unlinked\. \(operationId /,
      );
      expect(stdout).toMatch(/^USER .*\n1\d+ {2}Git.*Hub.*\n$/);
      expect(identitiesOf(id)).toHaveLength(1);
    });

    test('does nothing without a yes', async () => {
      const { code, stdout } = await run(supergraph, ['unlink', ZHANG, '微信'], {}, 'no\n');
      expect([code, stdout, identitiesOf(ZHANG).length]).toEqual([2, '', 3]);
    });

    test('unlinks only the identities of a type', async () => {
      const { id } = next();
      expect(await run(supergraph, ['unlink', id, WECHAT, '--type', 'unionid', '--yes'])).toMatchObject({ code: 0 });
      expect(identitiesOf(id)).toMatchObject([{ type: 'openid' }, { extIdpId: GITHUB }]);
    });

    test('ends with 1 if GenAuth refuses', async () => {
      supergraph.stack.emulator.faults.set('unlink-identity', 'envelope-403/42');
      const { code, stderr } = await run(supergraph, ['unlink', next().id, GITHUB, '--yes']);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining('Refused. Nothing was changed. (apiCode 42, operationId '),
      ]);
    });

    test.each([
      ['refused', []],
      ['kept', ['--keep-last']],
    ])('leaves the last way to sign in if the guard of the subgraph refuses: %s', async (state, args) => {
      const path = await supergraph.write(state, [ADA]);
      const { code } = await run(supergraph, ['unlink', '--source', GITHUB, '--from', path, '--yes', ...args]);
      expect([code, identitiesOf(ADA).length]).toEqual([1, 1]);
      expect((await readLines(`${path}.${GITHUB}.jsonl`)).at(-1)).toMatchObject({ state });
    });

    test('has nothing to do if nothing is linked, and for a user who does not exist', async () => {
      expect(await run(supergraph, ['unlink', EMPTY, GITHUB])).toMatchObject({ code: 0 });
      expect(await run(supergraph, ['unlink', NOBODY, GITHUB])).toMatchObject({ code: 0 });
    });

    test('is not allowed without the scope', async () => {
      const env = { IDENTITIES_TOKEN: supergraph.token('identity:read') };
      expect(await run(supergraph, ['unlink', ADA, GITHUB, '--yes'], env)).toMatchObject({ code: 3 });
      expect(identitiesOf(ADA)).toHaveLength(1);
    });
  });

  describe('with --accounts', () => {
    const unlink = (path: string, ...args: string[]) =>
      run(supergraph, ['unlink', '--source', WECHAT, '--from', path, '--accounts', '--yes', ...args]);

    test('unlinks the owners, counts a user with two accounts once, and has nothing to do afterwards', async () => {
      const { id, openId, unionId } = next();
      const path = await supergraph.write('accounts1', [openId, 'none', unionId]);
      expect(await unlink(path, '--dry-run')).toMatchObject({ summary: { users: 2, linked: 1, notLinked: 1 } });
      expect(await unlink(path)).toMatchObject({ code: 0, summary: { users: 2, unlinked: 1, notLinked: 1, left: 0 } });
      expect(identitiesOf(id)).toHaveLength(1);
      expect(await unlink(path)).toMatchObject({ code: 0, summary: { users: 2, doneBefore: 2, unlinked: 0, left: 0 } });
    });

    test('has a journal that a run over users refuses', async () => {
      const path = await supergraph.write('accounts2', [next().openId]);
      await unlink(path);
      const { code, stderr } = await run(supergraph, ['unlink', '--source', WECHAT, '--from', path, '--yes']);
      expect([code, stderr]).toEqual([2, expect.stringContaining('is the journal of another run')]);
    });

    test('goes on with a user whose result was lost, who cannot be found by the account any more', async () => {
      const { id, openId, unionId } = next();
      const path = await supergraph.write('accounts3', [openId]);
      const removed = [
        { extIdpId: WECHAT, type: 'openid', userIdInIdp: openId },
        { extIdpId: WECHAT, type: 'unionid', userIdInIdp: unionId },
      ];
      const line = { ts: '2026-11-27T04:00:00.000Z', userId: id, account: openId, state: 'sending', extIdpId: WECHAT };
      await writeFile(`${path}.${WECHAT}.jsonl`, `${JSON.stringify({ ...line, removed })}\n`);
      supergraph.stack.emulator.store.unlink({ userId: id, extIdpId: WECHAT });
      expect(await unlink(path)).toMatchObject({ code: 0, summary: { users: 1, unlinked: 1, notLinked: 0 } });
      const undone = await run(supergraph, ['undo', `${path}.${WECHAT}.jsonl`, '--yes']);
      expect(undone).toMatchObject({ code: 0, summary: { users: 1, linked: 1, left: 0 } });
      expect(identitiesOf(id)).toHaveLength(3);
    });
  });

  test.each([
    ['has several of that name', 'Directory', [FIRST, SECOND]],
    ['has none of that name', 'GitLab', [WECHAT, GITHUB]],
  ])('lists the sources if the pool %s', async (_name, source, ids) => {
    const { code, stdout, stderr } = await run(supergraph, ['find', '--source', source, '1025']);
    expect([code, stdout]).toEqual([2, '']);
    for (const id of ids) expect(stderr).toContain(id);
  });

  describe('takes the token', () => {
    const list = (env: Record<string, string>, ...args: string[]) =>
      run(supergraph, ['list', ADA, ...args], { IDENTITIES_TOKEN: '', ...env });

    test('from a file', async () => {
      const path = await supergraph.write('token', `${supergraph.token()}\n`);
      expect(await list({ IDENTITIES_TOKEN_FILE: path })).toMatchObject({ code: 0 });
    });

    test('from a command, which is run once more when the token is refused', async () => {
      const [runs, token] = [join(supergraph.folder, 'runs'), join(supergraph.folder, 'token')];
      await writeFile(token, supergraph.issuer.token({ exp: 1 }));
      await writeFile(`${token}.new`, supergraph.token());
      const command = `echo run >> ${runs}; cat ${token}; mv ${token}.new ${token} 2>/dev/null || true`;
      expect(await list({}, '--token-command', command)).toMatchObject({ code: 0, stderr: '' });
      const refused = `echo run >> ${runs}; echo ${supergraph.issuer.token({ exp: 1 })}`;
      expect(await list({}, '--token-command', refused)).toMatchObject({ code: 3 });
      const { code, stdout } = await run(supergraph, ['find', '--source', GITHUB, '--from', runs]);
      // Two of the first command, and two of the second.
      expect([code, stdout]).toEqual([0, 'run\t-\n'.repeat(4)]);
    });

    test.each([
      ['that is none', { IDENTITIES_TOKEN: 'two words' }, [], 2],
      ['of a file that does not exist', { IDENTITIES_TOKEN_FILE: '/none' }, [], 2],
      ['of a command that fails', {}, ['--token-command', 'echo secret; exit 7'], 2],
      ['that is missing', {}, [], 3],
      ['that is refused', { IDENTITIES_TOKEN: 'secret' }, [], 3],
    ])('and says what is wrong with one %s', async (_name, env, args, expected) => {
      const { code, stdout, stderr } = await list(env, ...args);
      expect([code, stdout]).toEqual([expected, '']);
      expect(stderr).toMatch(/token/i);
      expect(stderr).not.toMatch(/secret|two words|at .*\.js/);
    });
  });
});
