import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads the version from package.json, which is one folder above both `src/` and `dist/`. */
export function readVersion(): string {
  const text = readFileSync(join(__dirname, '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
