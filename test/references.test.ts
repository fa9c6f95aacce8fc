import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { SWITCH_NAMES } from '../src/emulator/switches';
import { ROOT } from './support/process';

const FOLDERS = ['.github', 'bench', 'deploy', 'docs', 'examples', 'operations', 'schema', 'scripts', 'src', 'test'];
const SKIPPED = /(?:^|\/)(?:node_modules|dist|__generated__)\/|^test\/references\.test\.ts$/;

const texts = new Map(
  [...readdirSync(ROOT), ...FOLDERS.flatMap(filesBelow)]
    .filter((file) => /\.(?:md|ts|js|ya?ml|graphql)$|Dockerfile$/.test(file) && !SKIPPED.test(file))
    .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const),
);
const pages = [...texts].filter(([file]) => file.endsWith('.md'));

function filesBelow(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`);
}

/** The anchor that GitHub gives to a heading. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function hasHeading(page: string, anchor: string): boolean {
  const headings = [...(texts.get(page) ?? '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => toAnchor(heading));
  return headings.includes(anchor);
}

/** Collects the references that `isDead` finds in all files, as "file: reference". */
function deadReferences(
  from: Iterable<readonly [file: string, text: string]>,
  pattern: RegExp,
  isDead: (match: RegExpExecArray, file: string) => boolean,
): string[] {
  return [...from].flatMap(([file, text]) =>
    [...text.matchAll(pattern)].filter((match) => isDead(match, file)).map(([reference]) => `${file}: ${reference}`),
  );
}

const withoutUrls = [...texts].map(([file, text]) => [file, text.replace(/\b[a-z]+:\/\/[^\s)>\]"'`]+/g, '')] as const);

describe('the references in code and pages', () => {
  test('name pages, and headings of pages, that the repository has', () => {
    const page = /(['"]?)((?:[\w.-]+\/)*[\w.-]+\.md)\b(?:#([\w-]+))?/g;
    const dead = deadReferences(withoutUrls, page, ([, quote, path = '', anchor], file) => {
      // A bare name in quotes is a file that the code itself reads or writes.
      if (quote !== '' && !path.includes('/')) return false;
      const found = [join(dirname(file), path), path].map(normalize).find((candidate) => texts.has(candidate));
      return found === undefined || (anchor !== undefined && !hasHeading(found, anchor));
    });
    expect(dead).toEqual([]);
  });

  test('name decisions that are on record', () => {
    const records = [...texts.keys()].filter((file) => file.startsWith('docs/decisions/'));
    const decision = /\bdecisions? (\d{4})(?: (?:and|to) (\d{4}))?/gi;
    const dead = deadReferences(withoutUrls, decision, ([, ...numbers]) =>
      numbers.some(
        (number) => number !== undefined && !records.some((file) => file.startsWith(`docs/decisions/${number}-`)),
      ),
    );
    expect(dead).toEqual([]);
  });

  test('of pages name files that exist', () => {
    const path = /(?<![\w./-])(?:bench|deploy|docs|schema|scripts|src|test)\/[\w./-]*\w/g;
    const inPages = withoutUrls.filter(([file]) => file.endsWith('.md'));
    expect(deadReferences(inPages, path, ([name]) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  test('of pages link to headings and files that exist, and to other sites by https', () => {
    const dead = deadReferences(pages, /\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm, ([, inline, below], file) => {
      const target = inline ?? below ?? '';
      if (target.includes(':')) return !target.startsWith('https://');
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? file : normalize(join(dirname(file), path));
      return !existsSync(join(ROOT, found)) || (anchor !== undefined && !hasHeading(found, anchor));
    });
    expect(dead).toEqual([]);
  });
});

describe('docs/genauth-api.md', () => {
  test('names every switch of the emulator, and no other', () => {
    const page = texts.get('docs/genauth-api.md') ?? '';
    const lists = [...page.matchAll(/[Ss]witch(?:es)?\s+((?:`\w+`[\s,]*(?:and\s+)?)+)/g)].map(([, list = '']) => list);
    const named = lists.flatMap((list) => [...list.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    expect([...new Set(named)].sort()).toEqual([...SWITCH_NAMES].sort());
  });
});
