import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readArguments } from '../../src/cli/arguments';
import { EXIT } from '../../src/cli/errors';
import { ROOT, run } from '../support/process';
import { startSupergraph, type Supergraph } from './cli';

const PAGE = readFileSync(join(ROOT, 'docs/admin.md'), 'utf8');
const [, LINES = ''] = /```sh\n([\s\S]*?)```/.exec(PAGE) ?? [];

describe('docs/admin.md', () => {
  let supergraph: Supergraph;
  beforeAll(async () => {
    supergraph = await startSupergraph();
  });
  afterAll(() => supergraph.close());

  test('leads from a leaked list to a finished run in ten lines, and back', async () => {
    const commands = LINES.trim().split('\n');
    expect(commands.length).toBeLessThanOrEqual(10);
    const { store } = supergraph.stack.emulator;
    const before = JSON.stringify(store.users().map(({ identities }) => identities.length));
    await supergraph.write('leaked.txt', ['1024001', '1024002', 'nobody']);
    await supergraph.write('token.txt', supergraph.token());
    const script = [
      'set -e',
      `identities() { "${process.execPath}" "${join(ROOT, 'dist/cli.js')}" "$@"; }`,
      `cd "${supergraph.folder}"`,
      ...commands.map((line) => line.replace(/https:\S+/, supergraph.url)),
    ];
    await writeFile(join(supergraph.folder, 'lines.sh'), script.join('\n'));
    // `yes` answers every question.
    const shell = run(['-c', `yes | bash "${join(supergraph.folder, 'lines.sh')}"`], {}, 'bash');
    expect([await shell.exited, shell.output()]).toEqual([0, expect.any(String)]);
    const summaries = [...shell.output().matchAll(/\{"(?:dryRun|users)".*\}/g)].map(
      ([json]) => JSON.parse(json) as object,
    );
    expect(summaries).toMatchObject([
      { dryRun: true, users: 3, linked: 2, notLinked: 1 },
      { users: 3, unlinked: 2, notLinked: 1, left: 0, signedOut: 2 },
      { users: 3, doneBefore: 3, left: 0 },
      { users: 2, linked: 2, left: 0 },
    ]);
    expect(JSON.stringify(store.users().map(({ identities }) => identities.length))).toBe(before);
  }, 60_000);

  test('has every exit code', () => {
    const rows = [...PAGE.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(rows).toEqual(Object.values(EXIT));
  });

  test('names no option that does not exist', () => {
    const options = new Set([...PAGE.matchAll(/(?<![\w-])--([a-z-]+)\b/g)].map(([option]) => option));
    expect(options.size).toBeGreaterThan(5);
    for (const option of options) {
      // An option that exists is refused for its command or its value, or accepted.
      const read = (): unknown => readArguments(['list', 'u', option, 'x'], { IDENTITIES_URL: 'http://localhost/' });
      expect(read).not.toThrow(/Unknown option/);
    }
  });
});
