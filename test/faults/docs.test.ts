import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../support/process';
import { FAULT_CASES } from './cases';
import { renderTable } from './table';
import { renderWrites } from './writesTable';

/** The cells of a Markdown table, without the spaces that align them. */
function rowsOf(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^[| :-]+$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

describe('docs/faults.md', () => {
  test('has exactly the rows that are tested', async () => {
    const page = await readFile(join(ROOT, 'docs', 'faults.md'), 'utf8');
    expect(rowsOf(page)).toEqual([...renderTable(), ...renderWrites('link'), ...renderWrites('sessions')]);
  });

  test('names every fault once', () => {
    const names = FAULT_CASES.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});
