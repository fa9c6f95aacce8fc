import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from './support/optional';
import { ROOT } from './support/process';

const exec = promisify(execFile);
const hasGit = spawnSync('git', ['--version']).status === 0;

interface Manifest {
  version: string;
}

describe('npm run sbom', () => {
  interface Component {
    group?: string;
    name: string;
    version: string;
    purl: string;
    components?: Component[];
  }
  const flatten = (components: readonly Component[] = []): Component[] =>
    components.flatMap((each) => [each, ...flatten(each.components)]);

  test('prints a valid document with every package that is installed in production, and no other', async () => {
    // It validates against the schema of CycloneDX, and fails if the document is not valid.
    const { stdout } = await exec('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, maxBuffer: 2 ** 24 });
    const document = JSON.parse(stdout) as { bomFormat: string; metadata: { component: Component }; components: [] };
    expect(document).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'genauth-identity-subgraph' } },
    });
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, Manifest & { dev?: boolean }>;
    };
    const installed = Object.entries(packages)
      .filter(([path, { dev }]) => path !== '' && dev !== true)
      .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
    const listed = flatten(document.components).map(({ group, name, version }) =>
      group === undefined ? `${name}@${version}` : `${group}/${name}@${version}`,
    );
    expect([...new Set(listed)].sort()).toEqual([...new Set(installed)].sort());
  }, 60_000);
});

describeWith(hasGit)('npm run release:prepare (needs git)', () => {
  test('makes version, CHANGELOG and released schema from the changesets', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'release-'));
    const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
    const inputs = ['package.json', 'package-lock.json', '.npmrc', '.prettierrc.json', 'CHANGELOG.md', 'src', 'schema'];
    for (const name of inputs) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    cpSync(join(ROOT, '.changeset', 'config.json'), join(folder, '.changeset', 'config.json'));
    mkdirSync(join(folder, 'docs'));
    writeFileSync(join(folder, 'docs', 'schema.released.graphql'), 'type Query { old: Int }');
    writeFileSync(
      join(folder, '.changeset', 'some-name.md'),
      "---\n'genauth-identity-subgraph': major\n---\n\n`User.old` is gone. Use `User.new`.\n",
    );
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const git = async (...args: string[]) =>
      exec('git', ['-c', 'user.name=x', '-c', 'user.email=x@x', ...args], { cwd: folder });
    await git('init', '-q');
    await git('add', '.changeset');
    await git('commit', '-qm', 'x');

    await exec('npm', ['run', 'release:prepare'], { cwd: folder });
    expect(JSON.parse(read('package.json'))).toMatchObject({ version: '1.0.0' });
    expect(JSON.parse(read('package-lock.json'))).toMatchObject({
      version: '1.0.0',
      packages: { '': { version: '1.0.0' } },
    });
    expect(read('CHANGELOG.md')).toMatch(/^# Changelog\n\n## 1\.0\.0\n\n### Major Changes\n\n- .*`User.old` is gone\./);
    expect(read('docs/schema.released.graphql')).toBe(readFileSync(join(ROOT, 'docs', 'schema.graphql'), 'utf8'));
    rmSync(folder, { recursive: true });
  }, 60_000);
});
