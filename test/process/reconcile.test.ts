import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Emulator, type Fault, startEmulator } from '../../src/emulator';
import { run } from '../support/process';

const USER = '6229ffa1c05e6bfcade3e3d1';
const SOURCE = '62f20932716fbcc10d966ee5';
const APPS = ['62f2093244fa5cb19f000001', '62f2093244fa5cb19f000002'] as const;

let emulator: Emulator;
let folder: string;
let file: string;

beforeEach(async () => {
  emulator = await startEmulator({
    seed: {
      extIdps: [{ id: SOURCE, name: 'GitHub', type: 'github' }],
      applications: APPS.map((id) => ({ id, name: id })),
      users: [{ id: USER, signedInApps: [...APPS] }],
    },
  });
  folder = await mkdtemp(join(tmpdir(), 'reconcile-'));
  file = join(folder, 'audit.log');
});

afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true });
});

async function reconcile(): Promise<{ code: number | null; output: string }> {
  const command = run(['dist/auditOpen.js', file, '--reconcile'], {
    GENAUTH_HOST: emulator.url,
    GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
    GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
  });
  return { code: await command.exited, output: command.output() };
}

async function writeIntent(kind: string, target: object): Promise<void> {
  const record = {
    ts: '2026-01-01T00:00:00.000Z',
    operationId: 'the-operation',
    requestId: 'r-1',
    actor: null,
    target,
  };
  await writeFile(file, `${JSON.stringify({ event: `${kind}.intent`, ...record })}\n`);
}

async function outcomes(): Promise<object[]> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return lines.slice(1).map((line) => JSON.parse(line) as object);
}

const LINK = { userId: USER, extIdpId: SOURCE, type: 'openid', userIdInIdp: 'octocat' };
const SESSIONS = { userId: USER, extIdpId: null, type: null };

describe('npm run audit:open -- --reconcile', () => {
  test('settles a link whose account is linked to the user', async () => {
    await writeIntent('link', LINK);
    emulator.store.link(USER, { extIdpId: SOURCE, type: 'openid', userIdInIdp: 'octocat' });
    const { code, output } = await reconcile();
    expect(code).toBe(0);
    expect(output).toMatch(/the-operation +\(router\) +link +.* openid octocat +settled: verified_present\n/);
    expect(await outcomes()).toEqual([
      {
        ts: expect.any(String) as string,
        event: 'link.outcome',
        operationId: 'the-operation',
        requestId: 'r-1',
        actor: null,
        target: LINK,
        outcome: 'verified_present',
        removed: null,
        upstream: { statusCode: null, apiCode: null, requestId: null, attempts: 0 },
        latencyMs: expect.any(Number) as number,
      },
    ]);
  });

  test.each([
    ['is not linked', []],
    ['is linked under another type only', [{ extIdpId: SOURCE, type: 'generic', userIdInIdp: 'octocat' }]],
    ['is another account at the source', [{ extIdpId: SOURCE, type: 'openid', userIdInIdp: 'octodog' }]],
  ])('leaves a link open whose account %s', async (_state, identities) => {
    await writeIntent('link', LINK);
    for (const identity of identities) emulator.store.link(USER, identity);
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    expect(output).toContain('open: not linked');
    expect(await outcomes()).toEqual([]);
  });

  test('settles a revocation of sessions if the user is signed in nowhere', async () => {
    await writeIntent('sessions', SESSIONS);
    emulator.store.signOut(USER);
    const { code, output } = await reconcile();
    expect(code).toBe(0);
    expect(output).toMatch(/sessions +6229ffa1c05e6bfcade3e3d1 \(all applications\) +settled: verified_absent\n/);
    expect(await outcomes()).toMatchObject([
      { event: 'sessions.outcome', target: SESSIONS, outcome: 'verified_absent', upstream: { attempts: 0 } },
    ]);
  });

  test('leaves it open if the user is signed in to one application', async () => {
    await writeIntent('sessions', SESSIONS);
    emulator.store.signOut(USER, [APPS[0]]);
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    expect(output).toContain('open: still signed in');
    expect(await outcomes()).toEqual([]);
  });

  test.each<[string, Fault, string]>([
    ['get-user-loggedin-apps', 'http-502', 'GenAuth could not be read (http_error)'],
    ['get-user-loggedin-apps', 'wrong-shape', 'GenAuth could not be read (shape)'],
    ['check-session-status', 'http-502', 'GenAuth could not be read (http_error)'],
    ['get-user-loggedin-apps', 'envelope-404/2004', 'GenAuth does not know the user'],
  ])('leaves it open if %s has the fault %s', async (route, fault, reason) => {
    await writeIntent('sessions', SESSIONS);
    emulator.faults.set(route, fault);
    const { code, output } = await reconcile();
    expect(code).toBe(1);
    expect(output).toContain(`open: ${reason}`);
    expect(await outcomes()).toEqual([]);
  });
});
