import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/process';

const page = readFileSync(join(ROOT, 'docs', 'security.md'), 'utf8');

/** A file, and the titles that follow it: "`test/x.test.ts` › "one"; "another"". */
const CITATION = /`(test\/[\w./]+\.test\.ts)` › ("[^"]+"(?:; "[^"]+")*)/g;

const cited = [...page.matchAll(CITATION)].flatMap(([, file = '', titles = '']) =>
  [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => [file, title] as const),
);

describe('docs/security.md', () => {
  test('has a section for each threat', () => {
    const sections = [...page.matchAll(/^### T(\d+): /gm)].map(([, number]) => Number(number));
    expect(sections).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
  });

  test('names tests only in the form that is checked below', () => {
    expect(page.match(/›/g)?.length).toBe([...page.matchAll(CITATION)].length);
    expect(cited.length).toBeGreaterThan(40);
  });

  test.each(cited)('names a test that exists: %s › %s', (file, title) => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    const quoted = ["'", '"', '`'].map((quote) => `${quote}${title}${quote}`);
    expect(quoted.some((text) => source.includes(text))).toBe(true);
  });
});
