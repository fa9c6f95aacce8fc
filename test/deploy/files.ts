import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { VARIABLES } from '../../src/config';
import { ROOT } from '../support/process';

export const DEPLOY = join(ROOT, 'deploy');

/** Lists files with an ending. @param folder Default: deploy/ itself. @returns Paths relative to deploy/. */
export function filesOf(ending: string, folder = ''): string[] {
  const names = readdirSync(join(DEPLOY, folder), { recursive: true, encoding: 'utf8' });
  const paths = names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
  return paths.filter((path) => statSync(join(DEPLOY, path)).isFile());
}

export function readText(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8');
}

/** @throws {Error} The file is not YAML, repeats a key, or has several documents. */
export function readYaml(path: string): unknown {
  return parse(readText(path));
}

/** Returns the names that are not variables of the subgraph. */
export function unknownVariables(names: readonly string[]): string[] {
  const known = new Set(VARIABLES.flatMap((name) => [name, `${name}_FILE`]));
  return names.filter((name) => !known.has(name));
}
