import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from '../support/optional';
import { ROOT } from '../support/process';

const PAGE = join(ROOT, 'examples', 'connected-accounts');
const execute = promisify(execFile);

/** Reads all files below a folder, by their paths. */
function filesBelow(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

describeWith(existsSync(join(PAGE, 'node_modules')))(
  'the build of the page of connected accounts (needs its packages)',
  () => {
    test('is what `npm run build` makes of the sources', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'page-build-'));
      try {
        await execute('npm', ['run', 'build', '--silent', '--', `--outdir=${folder}`], { cwd: PAGE });
        expect(filesBelow(join(PAGE, 'build'))).toEqual(filesBelow(folder));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test('is made of sources with correct types', async () => {
      await expect(execute('npm', ['run', 'check', '--silent'], { cwd: PAGE })).resolves.toMatchObject({ stdout: '' });
    });
  },
);
