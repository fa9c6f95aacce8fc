import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, isEnumType, isScalarType, isSpecifiedScalarType } from 'graphql';
import { ROOT } from '../support/process';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/integrators.md');

describe('docs/integrators.md', () => {
  test('has snippets only in sections that a test beside this one runs', () => {
    const sections = page.split(/^## /m).filter((text) => text.includes('```'));
    const tests = ['generators', 'mcp', 'schemaCheck'].map((name) => read(`test/integrators/${name}.test.ts`)).join('');
    const headings = sections.map((text) => text.split('\n')[0] ?? '').filter((heading) => heading !== 'Files');
    expect(headings).toHaveLength(5);
    expect(headings.filter((heading) => !tests.includes(`'${heading}'`))).toEqual([]);
  });

  test('has every enum and every scalar of the schema in its table of types', () => {
    const types = Object.values(buildSchema(read('docs/api.graphql')).getTypeMap());
    const named = types.filter((type) => !type.name.startsWith('__') && (isEnumType(type) || isScalarType(type)));
    const own = named.filter((type) => !isSpecifiedScalarType(type)).map(({ name }) => name);
    expect(own).toEqual(['UnlinkBlock', 'JSONObject']);
    const [, table = ''] = page.split(/^## (?:Types|Versions)$/m);
    expect(own.filter((name) => !table.includes(`| \`${name}\``))).toEqual([]);
  });
});
