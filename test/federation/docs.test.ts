import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/process';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const PAGE = read('docs/federation.md');
const SECTION = PAGE.slice(PAGE.indexOf('## Options that change what the subgraph receives'));

/** The rows of the table of options. */
const rows = SECTION.split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:option|-)/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('the table of options in docs/federation.md', () => {
  test.each(rows)('names a test for each option: %s of %s', (...cells) => {
    expect(cells).toHaveLength(5);
    const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(cells[4] ?? '') ?? [];
    // A title may continue with values of a table.
    const titles = [...read(file).matchAll(/(?:\)|test|each)\(\s*(['`])(.+?)\1,/g)].map(([, , text = '']) => text);
    expect(titles.filter((text) => text.startsWith(title))).not.toEqual([]);
  });

  test.each(['Apollo Router', 'Hive Gateway', 'Hive Router', 'Cosmo Router', '`@apollo/gateway`'])(
    'has options of %s',
    (router) => {
      expect(rows.filter(([, routers = '']) => routers.includes(router)).length).toBeGreaterThan(3);
    },
  );
});
