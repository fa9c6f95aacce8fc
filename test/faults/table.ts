import { FAULTS } from './matrix';
import type { ReadOutcome, UnlinkOutcome } from './scene';

const HEAD = ['what happened', 'a reader gets', 'the caller of an unlink gets', 'calls made'];

/** The table of docs/faults.md, by rows and cells. */
export function renderTable(): string[][] {
  return [
    HEAD,
    ...FAULTS.map(({ name, read, unlink }) => [
      name,
      renderRead(read),
      renderUnlink(unlink),
      renderCalls(read, unlink),
    ]),
  ];
}

function renderRead(read: ReadOutcome | null): string {
  if (read === null) return '–';
  const words: { gets: string; count: number }[] = [];
  for (const gets of read.gets) {
    const last = words.at(-1);
    if (last?.gets === gets) last.count++;
    else words.push({ gets, count: 1 });
  }
  return words.map(({ gets, count }) => (count === 1 ? say(gets) : `${count} × ${say(gets)}`)).join(', ');
}

function say(gets: string): string {
  if (gets === 'identities') return 'the identities';
  return gets === 'null' ? 'a null entity' : code(gets);
}

function renderUnlink(unlink: UnlinkOutcome | 'settled' | null): string {
  if (unlink === null) return '–';
  if (unlink === 'settled') return 'what reading shows';
  return unlink.outcome === undefined ? code(unlink.gets) : `${code(unlink.gets)}, ${code(unlink.outcome)}`;
}

function renderCalls(read: ReadOutcome | null, unlink: UnlinkOutcome | 'settled' | null): string {
  const ofRead = read === null ? [] : [`read: ${read.calls}${renderTries(read)}`];
  if (unlink === null) return ofRead.join('; ');
  if (unlink === 'settled') return [...ofRead, 'unlink: 1, then 1 or 2 reads'].join('; ');
  const reads = unlink.reads === 0 ? '' : ` and ${unlink.reads} ${unlink.reads === 1 ? 'read' : 'reads'}`;
  return [...ofRead, `unlink: ${unlink.posts}${reads}${renderTries(unlink)}`].join('; ');
}

function renderTries({ tries }: { tries?: number }): string {
  return tries === undefined ? '' : ` (${tries} ${tries === 1 ? 'try' : 'tries'} to connect)`;
}

function code(text: string): string {
  return `\`${text}\``;
}
