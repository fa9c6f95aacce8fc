import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './support/process';

const FOLDER = join(ROOT, '.github');
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
const yamlFiles = files.filter((file) => file.endsWith('.yml'));

function readYaml(file: string): unknown {
  return parse(readFileSync(join(FOLDER, file), 'utf8'));
}

function readManifest(folder: string): Record<'scripts' | 'dependencies' | 'devDependencies', Record<string, string>> {
  const {
    scripts = {},
    dependencies = {},
    devDependencies = {},
  } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Partial<
    Record<'scripts' | 'dependencies' | 'devDependencies', Record<string, string>>
  >;
  return { scripts, dependencies, devDependencies };
}

interface Workflow {
  jobs: Record<string, { steps: { run?: string; uses?: string }[] }>;
}

interface Updates {
  updates: { 'package-ecosystem': string; directory: string; ignore?: { 'dependency-name': string }[] }[];
}

describe('.github', () => {
  test.each(yamlFiles)('has valid YAML: %s', (file) => {
    expect(readYaml(file)).toEqual(expect.any(Object));
  });

  test('has workflows that run only scripts that exist', () => {
    const workflows = yamlFiles
      .filter((file) => file.startsWith('workflows/'))
      .map((file) => readYaml(file) as Workflow);
    const commands = workflows.flatMap(({ jobs }) =>
      Object.values(jobs).flatMap(({ steps }) => steps.map(({ run }) => run)),
    );
    expect(commands).toContain('bash .ci/run');
    const scripts = commands.flatMap((run = '') => [...run.matchAll(/\bbash (\S+)/g)].map(([, path = '']) => path));
    expect(scripts.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('names only npm scripts that exist, in workflows and templates', () => {
    const texts = files
      .filter((file) => /\.(?:yml|md)$/.test(file))
      .map((file) => readFileSync(join(FOLDER, file), 'utf8'));
    const named = texts.flatMap((text) =>
      [...text.matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/g)].map(([, name = '']) => name),
    );
    expect(named).toContain('test');
    expect(named.filter((name) => !(name in readManifest('.').scripts))).toEqual([]);
  });

  test('asks for updates in folders that have dependencies, and ignores only packages that are used there', () => {
    const { updates } = readYaml('dependabot.yml') as Updates;
    const ecosystems = updates.map((update) => `${update['package-ecosystem']} ${update.directory}`);
    const npm = [
      '',
      'bench',
      'test/federation/gateways',
      'test/clients',
      'test/integrators',
      'examples/connected-accounts',
    ];
    expect(ecosystems).toEqual([...npm.map((folder) => `npm /${folder}`), 'github-actions /', 'docker /deploy']);
    for (const { directory, ignore = [], ...update } of updates) {
      if (update['package-ecosystem'] !== 'npm') continue;
      const { dependencies, devDependencies } = readManifest(directory);
      const used = Object.keys({ ...dependencies, ...devDependencies });
      const patterns = ignore.map((entry) => entry['dependency-name']);
      const isUsed = (pattern: string) =>
        used.some((name) => name === pattern || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))));
      expect(patterns.filter((pattern) => !isUsed(pattern))).toEqual([]);
    }
  });
});
