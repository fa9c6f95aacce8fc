import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads the arguments of Node in `npm start`, with the file. @param root The folder of package.json. */
export function readStartArgs(root: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').slice(1);
}

/** Reads the options of Node in `npm start`, which the image has, too. @param root The folder of package.json. */
export function readStartOptions(root: string): string[] {
  return readStartArgs(root).filter((argument) => argument.startsWith('--'));
}
