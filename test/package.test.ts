import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mainEnv, READY } from './support/main';
import { describeWith } from './support/optional';
import { ROOT, run } from './support/process';
import { ask } from './support/stack';

const exec = promisify(execFile);

interface Packed {
  filename: string;
  size: number;
  files: { path: string }[];
}

const folder = mkdtempSync(join(tmpdir(), 'package-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function pack(): Promise<Packed> {
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as Packed[];
  if (packed === undefined) throw new Error('npm pack has packed nothing');
  return packed;
}

const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: Record<string, string> };

describe('the package', () => {
  let packed: Packed;

  beforeAll(async () => {
    packed = await pack();
  });

  test('contains the compiled program, its schema and the files for integrators, and nothing else', () => {
    const others = packed.files
      .map(({ path }) => path)
      .filter((path) => !/^dist\/.*(?<!\/dev)(?:\.js|\.d\.ts)$/.test(path));
    expect(others.filter((path) => !/^(?:operations|schema)\/\w+\.graphql$/.test(path))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'docs/api.graphql',
      'docs/error-codes.json',
      'docs/schema.graphql',
      'package.json',
    ]);
    expect(packed.files.map(({ path }) => path)).toEqual(expect.arrayContaining(Object.values(bin)));
    expect(packed.size).toBeLessThan(500_000);
  });

  test('names no folder of the machine that built it', async () => {
    const found = packed.files.filter(({ path }) => readFileSync(join(ROOT, path), 'utf8').includes(ROOT));
    expect(found).toEqual([]);
  });

  // Needs the registry, because it resolves the dependencies as users do. .ci/run requires it.
  describeWith(false)('installed in an empty folder (needs the npm registry)', () => {
    const inFolder = { cwd: folder };
    const bins = join(folder, 'node_modules', '.bin');

    beforeAll(async () => {
      writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }');
      const options = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
      await exec('npm', ['install', ...options, join(folder, packed.filename)], inFolder);
    }, 120_000);

    test.each(Object.keys(bin).filter((name) => name !== 'genauth-identity-subgraph'))(
      'explains the command %s',
      async (name) => {
        const { stdout } = await exec('npx', ['--no-install', name, '--help'], inFolder);
        expect(stdout).toMatch(/^ +--/m);
      },
    );

    test('runs the subgraph in front of the emulator', async () => {
      const emulator = run(['--port', '0'], {}, join(bins, 'genauth-emulator'));
      const address = /GENAUTH_HOST=(\S+)\nGENAUTH_ACCESS_KEY_ID=(\S+)\nGENAUTH_ACCESS_KEY_SECRET=(\S+)\n/;
      const [, url = '', accessKeyId = '', accessKeySecret = ''] = await emulator.waitFor(address);
      const env = mainEnv({ url, accessKeyId, accessKeySecret });
      const subgraph = run([], env, join(bins, 'genauth-identity-subgraph'));
      const [line] = await subgraph.waitFor(READY);
      const { url: origin } = JSON.parse(line) as { url: string };
      const answer = await ask(`${origin}/graphql`, '{ identitySources { name } }');
      expect(answer.data).toEqual({ identitySources: expect.arrayContaining([{ name: 'GitHub' }]) });
      expect(await subgraph.stop()).toBe(0);
      expect(await emulator.stop()).toBe(0);
    });

    test('exports the client, the emulator and the error codes, with types', async () => {
      const code = `
        import codes from 'genauth-identity-subgraph/error-codes.json';
        import { judgeUnlink, UnlinkIdentityDocument } from 'genauth-identity-subgraph/client';
        import { startEmulator } from 'genauth-identity-subgraph/emulator';

        const judgement: { kind: string } = judgeUnlink({ errors: [] });
        startEmulator().then(async (emulator) => {
          await emulator.close();
          console.log(judgement.kind, UnlinkIdentityDocument.includes('unlinkIdentity'), codes.length > 10);
        });
      `;
      writeFileSync(join(folder, 'user.cts'), code);
      const options = ['--module', 'node20', '--strict', '--esModuleInterop', '--resolveJsonModule', '--types', 'node'];
      const types = join(ROOT, 'node_modules', '@types');
      const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
      await exec(tsc, [...options, '--ignoreConfig', '--typeRoots', types, 'user.cts'], inFolder);
      const { stdout } = await exec(process.execPath, ['user.cjs'], inFolder);
      expect(stdout).toBe('unknown true true\n');
    });
  });
});
