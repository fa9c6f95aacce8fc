import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { VARIABLES } from '../../src/config';
import { ROOT } from '../support/process';

export const DEPLOY = join(ROOT, 'deploy');

/** Files of a folder below deploy/ (default: of all of it) with that ending, by their path below deploy/. */
export function filesOf(ending: string, folder = ''): string[] {
  const names = readdirSync(join(DEPLOY, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
}

export function readText(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8');
}

/** @throws {Error} where the file is not YAML, has a key twice, or more than one document. */
export function readYaml(path: string): unknown {
  return parse(readText(path));
}

/** Those of the names that the subgraph would not read. */
export function unknownVariables(names: readonly string[]): string[] {
  const known = new Set(VARIABLES.flatMap((name) => [name, `${name}_FILE`]));
  return names.filter((name) => !known.has(name));
}
