import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '../../src/emulator';
import { runMain, untilReady } from '../support/main';
import { ROOT, type Running } from '../support/process';
import { ask, ENTITIES, type EntitiesAnswer, representations, UNLINK, type UnlinkAnswer } from '../support/stack';

// Not `describeWith`: CI also runs on Node 20, which has no permission model without a flag of another name.
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
    main = runMain(emulator, { AUDIT_LOG: join(folder, 'audit.log') }, ['--permission', ...args]);
    return main;
  }

  /** Reads the arguments that docs/deployment.md shows, with this test's folder for the audit trail. */
  async function documentedArgs(): Promise<string[]> {
    const text = await readFile(join(ROOT, 'docs/deployment.md'), 'utf8');
    const command = /^node --permission ([\s\S]*?) dist\/main\.js$/m.exec(text)?.[1] ?? '';
    // Node 25 and newer also require a flag for the network, which Node 24 does not know.
    const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
    const args = command.replaceAll('/var/lib/identities', folder).match(/--\S+/g) ?? [];
    return [...args, ...net];
  }

  test('serves a read and an audited unlink with the documented permissions', async () => {
    const ready = await untilReady(start(await documentedArgs()));
    const url = `${ready.url}/graphql`;
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

  test('does not start if one of the documented permissions is missing', async () => {
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
