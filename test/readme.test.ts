import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { VARIABLES } from '../src/config';
import { startEmulator } from '../src/emulator';
import { describeWith } from './support/optional';
import { ROOT, run, type Running, TSX } from './support/process';

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const README = read('README.md');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    (match) => match[1] ?? '',
  );
}

/** The variables in the first column of a page's tables. */
function variablesIn(page: string): (string | undefined)[] {
  const rows = page.split('\n').filter((line) => /^\| `[A-Z]/.test(line));
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map((match) => match[1]));
}

const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));
const curls = commands.filter((command) => command.startsWith('curl '));
const withCurl = describeWith(spawnSync('curl', ['--version']).status === 0);

withCurl('the requests that the README shows (needs curl)', () => {
  let dev: Running;
  let url: string;

  beforeAll(async () => {
    dev = run([...TSX, 'src/dev.ts'], { PORT: '0' });
    [, url = ''] = await dev.waitFor(/Subgraph +(\S+)\/graphql/);
  });
  afterAll(() => dev.stop());

  test.each(curls.map((command, index) => [index + 1, command, blocks('json')[index] ?? '']))(
    'get the response that it shows: request %i',
    async (_number, command, answer) => {
      const { stdout } = await promisify(execFile)('sh', ['-c', command.replaceAll('http://localhost:4001', url)]);
      expect(JSON.parse(stdout)).toEqual(JSON.parse(answer));
    },
  );
});

describe('the README', () => {
  test('shows only commands that tests run', () => {
    expect(commands.filter((command) => !command.startsWith('curl '))).toEqual([
      'npm ci && npm run example', // test/example
      'npm run dev', // test/process/dev.test.ts
      'cp .env.example .env', // below
      'npm run build', // what `npm test` begins with
      'node --env-file=.env dist/main.js', // below
      'npm run emulator -- --port 4010 --fault unlink-identity=reset-after-execute', // below
    ]);
    expect(curls).toHaveLength(1);
  });

  test('names, with CONTRIBUTING.md, every script that there is and no other', () => {
    const named = [...(README + read('CONTRIBUTING.md')).matchAll(/npm (?:run )?([a-z]+(?::[a-z]+)?)\b/g)].map(
      (match) => match[1],
    );
    expect(new Set(named.filter((name) => name !== 'ci'))).toEqual(new Set(Object.keys(scripts)));
    expect(scripts).toMatchObject({
      dev: 'tsx src/dev.ts',
      example: 'exec node --import tsx examples/supergraph/main.ts',
      emulator: 'tsx src/emulator/main.ts',
      start:
        'node --min-semi-space-size=8 --max-semi-space-size=16 --heap-growing-percent=200 --no-allocation-site-pretenuring dist/main.js',
    });
  });

  test('names the variables that are required, and only those', () => {
    expect(variablesIn(README).sort()).toEqual([
      'GENAUTH_ACCESS_KEY_ID',
      'GENAUTH_ACCESS_KEY_SECRET',
      'JWT_AUDIENCE',
      'JWT_ISSUER',
      'ROUTER_SECRETS',
    ]);
  });

  test('starts from the example of an environment, once the keys are filled in', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'env-'));
    const file = join(folder, '.env');
    const example = read('.env.example');
    // The issuer cannot be reached. The process starts, and refuses requests until its keys can be fetched.
    const filledIn = example
      .replace(/^(GENAUTH_ACCESS_KEY_ID|GENAUTH_ACCESS_KEY_SECRET|JWT_AUDIENCE)=$/gm, '$1=x')
      .replace(/^ROUTER_SECRETS=$/m, `ROUTER_SECRETS=${'x'.repeat(32)}`)
      .replace(/^JWT_ISSUER=$/m, 'JWT_ISSUER=http://127.0.0.1:9');
    writeFileSync(file, `${filledIn}PORT=0\nADMIN_PORT=0\nDRAIN_DELAY_MS=0\n`);
    const main = run([`--env-file=${file}`, 'dist/main.js']);
    await main.waitFor(/"msg":"ready"/);
    expect(await main.stop()).toBe(0);
    rmSync(folder, { recursive: true });
  });

  test.each(commands.filter((command) => command.startsWith('npm run emulator')))('can run %s', async (command) => {
    const args = command.split(' -- ')[1]?.replace('4010', '0').split(' ') ?? [];
    const emulator = run([...TSX, 'src/emulator/main.ts', ...args]);
    await emulator.waitFor(/^GENAUTH_ACCESS_KEY_SECRET=\S+$/m);
    expect(await emulator.stop('SIGINT')).toBe(0);
  });

  test('shows code for the emulator that runs', async () => {
    const [example = ''] = blocks('ts');
    const [imports = '', ...body] = example.split('\n\n');
    expect(imports).toBe("import { startEmulator } from './src/emulator';");
    const printed: unknown[][] = [];
    const source = `return (async () => {${body.join('\n\n')}})();`;
    // oxlint-disable-next-line typescript/no-implied-eval -- this runs the README's own example
    await (new Function('startEmulator', 'console', source) as (...args: unknown[]) => Promise<void>)(startEmulator, {
      log: (...values: unknown[]) => printed.push(values),
    });
    expect(printed).toEqual([
      [expect.stringMatching(/^http:\/\/127/), expect.stringMatching(/^\w+$/), expect.any(Number)],
    ]);
  });

  test.each(blocks('yaml'))('shows a part of the configuration of a router that its file has: %#', (yaml) => {
    const file = /^# (deploy\/routers\/\S+)/.exec(yaml)?.[1] ?? '';
    expect(parse(readFileSync(join(ROOT, file), 'utf8'))).toMatchObject(parse(yaml) as object);
  });
});

describe('docs/configuration.md', () => {
  test('has every variable of the configuration, and no other', () => {
    expect(variablesIn(read('docs/configuration.md')).sort()).toEqual([...VARIABLES].sort());
  });
});

describe('docs/errors.md', () => {
  const page = read('docs/errors.md');

  test('has every extension that errors have, and the routers pass on the same ones', () => {
    const declaration = /interface ErrorExtensions \{([\s\S]*?)\n\}/.exec(read('src/graphql/errors.ts'));
    const keys = [...(declaration?.[1] ?? '').matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
    expect(keys.length).toBeGreaterThan(3);
    const documented = [...page.matchAll(/^\| `([a-z]\w+)`/gm)].map((match) => match[1]);
    expect(documented.sort()).toEqual([...keys].sort());
    for (const router of ['apollo', 'hive', 'cosmo']) {
      const allowed = [
        ...read(`deploy/routers/${router}-router.yaml`).matchAll(
          /(?:allow_extensions_keys|allowed_extension_fields|keys): \[([^\]]*)\]/g,
        ),
      ].map((match) => (match[1] ?? '').split(', '));
      expect(allowed.filter((list) => list.length > 1)).toEqual([keys]);
    }
  });

  test('has every code', () => {
    const sources = ['src/graphql/errors.ts', 'src/http/rejections.ts'].map(read).join('\n');
    const codes = [...sources.matchAll(/(?:code: '|^ {2})([A-Z]{4,}(?:_[A-Z]+)*)(?:'|: ')/gm)].map((match) => match[1]);
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});
