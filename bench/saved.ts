import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './root';

/** The folder of the results that are published. */
export const DOCS = join(ROOT, 'docs');

/** Writes a file formatted by prettier, because `npm run check` checks the format of published files. */
export async function writeFormatted(path: string, text: string): Promise<void> {
  const { format, resolveConfig } = await import('prettier');
  const config = await resolveConfig(path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, await format(text, { ...config, proseWrap: 'always', filepath: path }));
}
