import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '../../src/client';
import { ROOT } from '../support/process';

// The compiler checks that the service uses no other code, and test/graphql/errors.test.ts that docs/errors.md has those
// of the service.
test('the codes of the client are those of docs/errors.md', () => {
  const rows = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').match(/^\| (?:`[A-Z_]+`|\d{3}) .*$/gm) ?? [];
  const cells = rows.map((row) => row.split('|').slice(1, 3).join(' '));
  const documented = cells.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code = '']) => code));
  const codes = new Set(documented.filter((code) => code !== 'NOT_EXECUTED' && code !== 'UNKNOWN'));
  expect([...ERROR_CODES].sort()).toEqual([...codes, 'PERSISTED_QUERY_NOT_SUPPORTED'].sort());
});
