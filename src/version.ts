import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads this package's version, from `src/` and from `dist/` alike. */
export function readVersion(): string {
  const text = readFileSync(join(__dirname, '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
