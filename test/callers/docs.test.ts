import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/process';

/** The members of a union of texts in src/callers/errors.ts. */
function unionOf(name: string): string[] {
  const source = readFileSync(join(ROOT, 'src/callers/errors.ts'), 'utf8');
  const [, declaration = ''] = new RegExp(`export type ${name} =([^;]*);`).exec(source) ?? [];
  return [...declaration.matchAll(/\| '(\w+)'/g)].map(([, member = '']) => member);
}

/** The names in the first column of the table below a heading of docs/authentication.md. */
function documented(heading: string): string[] {
  const page = readFileSync(join(ROOT, 'docs/authentication.md'), 'utf8');
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}

describe('docs/authentication.md', () => {
  test.each([
    ['UnauthenticatedReason', 'Reasons of 401'],
    ['KeysUnavailableReason', 'Reasons of 503'],
  ])('explains every %s', (name, heading) => {
    expect(unionOf(name).length).toBeGreaterThan(5);
    expect(documented(heading)).toEqual(expect.arrayContaining(unionOf(name)));
    expect(unionOf(name)).toEqual(expect.arrayContaining(documented(heading)));
  });
});
