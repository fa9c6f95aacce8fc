import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/process';

const CLIENT = pathToFileURL(join(ROOT, 'dist/client/index.js')).href;

/** Writes the snippets of docs/frontends.md to files, under the names in their first lines. @returns Their folder. */
export function writeSnippets(client = CLIENT): string {
  const folder = mkdtempSync(join(tmpdir(), 'frontends-'));
  symlinkSync(join(__dirname, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const page = readFileSync(join(ROOT, 'docs/frontends.md'), 'utf8');
  for (const [, name = '', code = ''] of page.matchAll(/^```[jt]s\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)) {
    writeFileSync(join(folder, name), code.replaceAll("'genauth-identity-subgraph/client'", `'${client}'`));
  }
  return folder;
}
