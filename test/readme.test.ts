import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { VARIABLES } from '../src/config';
import { startEmulator } from '../src/emulator';
import { describeWith } from './support/optional';
import { ROOT, run, type Running, TSX } from './support/process';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    (match) => match[1] ?? '',
  );
}

const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));
const curls = commands.filter((command) => command.startsWith('curl '));
const withCurl = describeWith(spawnSync('curl', ['--version']).status === 0);

withCurl('the first screen of the README (needs curl)', () => {
  let dev: Running;
  let url: string;

  beforeAll(async () => {
    dev = run([...TSX, 'src/dev.ts'], { PORT: '0' });
    [, url = ''] = await dev.waitFor(/Subgraph +(\S+)\/graphql/);
  });
  afterAll(() => dev.stop());

  test.each(curls.map((command, index) => [index + 1, command, blocks('json')[index] ?? '']))(
    'shows request %i with the answer that it gets',
    async (_number, command, answer) => {
      const { stdout } = await promisify(execFile)('sh', ['-c', command.replaceAll('http://localhost:4001', url)]);
      expect(JSON.parse(stdout)).toEqual(JSON.parse(answer));
    },
  );
});

describe('the README', () => {
  test('shows commands that the tests know of, and no others', () => {
    expect(commands.filter((command) => !command.startsWith('curl '))).toEqual([
      'npm ci && npm run dev', // test/process/dev.test.ts
      'cp .env.example .env', // below
      'npm run build', // what `npm test` begins with
      'node --env-file=.env dist/main.js', // below
      'npm run emulator -- --port 4010', // below
      'npm run emulator -- --port 4010 --fault unlink-identity=reset-after-execute', // below
    ]);
    expect(curls).toHaveLength(2);
  });

  test('names every script that there is, and none that there is not', () => {
    const named = [...README.matchAll(/npm (?:run )?([a-z]+(?::[a-z]+)?)\b/g)].map((match) => match[1]);
    expect(new Set(named.filter((name) => name !== 'ci'))).toEqual(new Set(Object.keys(scripts)));
    expect(scripts).toMatchObject({
      dev: 'tsx src/dev.ts',
      emulator: 'tsx src/emulator/main.ts',
      start: 'node --max-semi-space-size=16 --heap-growing-percent=200 dist/main.js',
    });
  });

  test('has every variable of the configuration in its table, and no other', () => {
    const table = README.split('\n').filter((line) => /^\| `[A-Z]/.test(line));
    const named = table.flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map((match) => match[1]),
    );
    expect(named.sort()).toEqual([...VARIABLES].sort());
  });

  test('starts from the example of an environment, once the keys are filled in', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'env-'));
    const file = join(folder, '.env');
    const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
    // The issuer does not answer: the process starts all the same, and refuses callers until it does.
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

  test('shows how the emulator is used in code as it can be used', async () => {
    const [example = ''] = blocks('ts');
    const [imports = '', ...body] = example.split('\n\n');
    expect(imports).toBe("import { startEmulator } from './src/emulator';");
    const printed: unknown[][] = [];
    const source = `return (async () => {${body.join('\n\n')}})();`;
    // oxlint-disable-next-line typescript/no-implied-eval -- it is the README's own example that is run
    await (new Function('startEmulator', 'console', source) as (...args: unknown[]) => Promise<void>)(startEmulator, {
      log: (...values: unknown[]) => printed.push(values),
    });
    expect(printed).toEqual([
      [expect.stringMatching(/^http:\/\/127/), expect.stringMatching(/^\w+$/), expect.any(Number)],
    ]);
  });

  test.each(blocks('yaml'))('shows of a router’s configuration what is in its file: %#', (yaml) => {
    const file = /^# (deploy\/routers\/\S+)/.exec(yaml)?.[1] ?? '';
    expect(parse(readFileSync(join(ROOT, file), 'utf8'))).toMatchObject(parse(yaml) as object);
  });

  test('lets routers pass on every extension that errors have, and no other', () => {
    const declaration = /interface ErrorExtensions \{([\s\S]*?)\n\}/.exec(
      readFileSync(join(ROOT, 'src/graphql/errors.ts'), 'utf8'),
    );
    const keys = [...(declaration?.[1] ?? '').matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
    const allowed = [...README.matchAll(/(?:allow_extensions_keys|allowed_extension_fields|keys): \[([^\]]*)\]/g)].map(
      (match) => (match[1] ?? '').split(', '),
    );
    expect(keys.length).toBeGreaterThan(3);
    expect(allowed.filter((list) => list.length > 1)).toEqual([keys, keys, keys]);
  });

  test('links to files that exist', () => {
    const links = [...README.matchAll(/\]\((?!http)([^)#]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });
});
