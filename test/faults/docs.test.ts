import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAULTS } from './matrix';
import { renderTable } from './table';

/** Cells without the spaces that the formatter aligns them by. */
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
  test('has the rows that the tests of the faults hold, and no others', async () => {
    const page = await readFile(join(__dirname, '..', '..', 'docs', 'faults.md'), 'utf8');
    expect(rowsOf(page)).toEqual(renderTable());
  });

  test('names every fault once', () => {
    const names = FAULTS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});
