import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '../../src/emulator';
import { ROOT, run, type Running } from '../support/process';
import { ask, ENTITIES, type EntitiesAnswer, representations, UNLINK, type UnlinkAnswer } from '../support/stack';

const READY = /^\{.*"msg":"ready".*\}$/m;
// Not `describeWith`: the gate runs on Node 20 as well, where nothing can be installed that would make it there.
const describeHere = process.allowedNodeEnvironmentFlags.has('--permission') ? describe : describe.skip;

describeHere("dist/main.js under Node's permission model (needs node --permission)", () => {
  let emulator: Emulator;
  let folder: string;
  let main: Running | undefined;

  beforeAll(async () => {
    emulator = await startEmulator();
    folder = await mkdtemp(join(tmpdir(), 'permission-'));
  });
  afterEach(() => main?.stop('SIGKILL'));
  afterAll(async () => {
    await emulator.close();
    await rm(folder, { recursive: true });
  });

  function start(args: readonly string[]): Running {
    main = run(['--permission', ...args, 'dist/main.js'], {
      PORT: '0',
      ADMIN_PORT: '0',
      DRAIN_DELAY_MS: '0',
      AUTH_MODE: 'none',
      AUDIT_LOG: join(folder, 'audit.log'),
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
    });
    return main;
  }

  /** What docs/deployment.md shows, with the folder of this test for the audit trail. */
  async function documentedArgs(): Promise<string[]> {
    const text = await readFile(join(ROOT, 'docs/deployment.md'), 'utf8');
    const command = /^node --permission ([\s\S]*?) dist\/main\.js$/m.exec(text)?.[1] ?? '';
    // From Node 25 on the network has to be allowed, too; Node 24 does not know the flag.
    const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
    const args = command.replaceAll('/var/lib/identities', folder).match(/--\S+/g) ?? [];
    return [...args, ...net];
  }

  test('serves a read and an audited unlink with what the documentation allows it', async () => {
    const [line] = await start(await documentedArgs()).waitFor(READY);
    const url = `${(JSON.parse(line) as { url: string }).url}/graphql`;
    const [user] = emulator.store.users();
    const userId = user?.profile.userId ?? '';

    const read = await ask<EntitiesAnswer>(url, ENTITIES, representations([userId]));
    expect(read.data?._entities[0]?.identities).toHaveLength(user?.identities.length ?? -1);
    const extIdpId = user?.identities[0]?.extIdpId;
    const { data } = await ask<UnlinkAnswer>(url, UNLINK, { userId, extIdpId });
    expect(data?.unlinkIdentity?.success).toBe(true);

    expect(await main?.stop('SIGTERM')).toBe(0);
    const lines = (await readFile(join(folder, 'audit.log'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((text) => (JSON.parse(text) as { event: string }).event)).toEqual([
      'unlink.intent',
      'unlink.outcome',
    ]);
  });

  test('needs every bit of it to start', async () => {
    const args = await documentedArgs();
    const files = args.filter((flag) => flag.startsWith('--allow-fs-'));
    expect(files.length).toBeGreaterThan(2);
    for (const left of files) {
      const process = start(args.filter((flag) => flag !== left));
      expect([left, await process.exited]).toEqual([left, 1]);
      expect(process.output()).toContain('ERR_ACCESS_DENIED');
    }
  });
});
