import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './support/process';

interface Locked {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  license?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>;
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const locked = Object.entries(packages).filter(([path]) => path !== '');

/** The rows of the table in docs/architecture.md, as package and licence. */
const rows = [...read('docs/architecture.md').matchAll(/^\| `([^`]+)`\s*\| ([\w.-]+)\s*\|.*\|$/gm)].map(
  ([, name = '', licence = '']) => [name, licence],
);

describe('a runtime dependency', () => {
  test.each(Object.keys(dependencies))('has a row in docs/architecture.md with its licence: %s', (name) => {
    const { license } = JSON.parse(read(`node_modules/${name}/package.json`)) as { license: string };
    expect(rows.filter(([row]) => row === name)).toEqual([[name, license]]);
  });

  test('is the only kind of package with a row there', () => {
    expect(rows.map(([name]) => name)).toEqual(Object.keys(dependencies).sort());
  });

  test('depends on packages with a permissive licence only, except for decision 0003', () => {
    const permissive = /^(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|\(MIT AND BSD-3-Clause\))$/;
    const others = locked.filter(([, { dev, license = '' }]) => dev !== true && !permissive.test(license));
    expect(others.map(([path, { license }]) => [path, license])).toEqual([
      ['node_modules/@apollo/federation-internals', 'Elastic-2.0'],
    ]);
  });

  test('has an exact version, like every other dependency', () => {
    const versions = Object.entries({ ...dependencies, ...devDependencies });
    // The types follow the oldest Node that is supported, in any patch version.
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([['@types/node', '^20.0.0']]);
  });
});

describe('package-lock.json', () => {
  test('has the integrity of every package, and no download URL', () => {
    expect(locked.length).toBeGreaterThan(Object.keys({ ...dependencies, ...devDependencies }).length);
    expect(locked.filter(([, { integrity = '' }]) => !/^sha512-[\w+/]{86}==$/.test(integrity))).toEqual([]);
    expect(locked.filter(([, { resolved, link }]) => resolved !== undefined || link === true)).toEqual([]);
  });

  test('has no package that needs its install script, because install scripts are disabled', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    const withScript = locked.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    // Review a new package here, and try it without its script. The script of this one only prints a warning about versions.
    expect(withScript.filter(([, { dev }]) => dev !== true).map(([path]) => path)).toEqual([
      'node_modules/@apollo/protobufjs',
    ]);
  });
});
