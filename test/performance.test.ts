import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillTables } from '../bench/page';
import type { Results } from '../bench/report';
import { ROOT } from './support/process';

const DOCS = join(ROOT, 'docs');

function readResults(name: string): Results | null {
  const path = join(DOCS, name);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results) : null;
}

/** Prettier aligns columns and wraps lines. */
function normalize(text: string): string {
  return text.replace(/-{3,}/g, '---').replace(/\s+/g, ' ');
}

it('docs/performance.md shows the saved results of the benchmark', () => {
  const page = readFileSync(join(DOCS, 'performance.md'), 'utf8');
  const results = readResults('performance.json');
  if (results === null) throw new Error('no results have been saved');
  const filled = fillTables(page, results, readResults('performance.node.json'));
  expect(normalize(filled)).toBe(normalize(page));
});
