import { WRITE_CASES, type WriteCase } from './writeCases';

const HEAD = ['what happened', 'the caller gets', 'calls made'];

/** Renders one of the tables of links and of revocations in docs/faults.md, as rows of cells. */
export function renderWrites(write: WriteCase['write']): string[][] {
  const cases = WRITE_CASES.filter((row) => row.write === write);
  return [HEAD, ...cases.map((row) => [row.name, renderGets(row), renderCalls(row)])];
}

function renderGets({ write, gets, outcome, isUnread }: WriteCase): string {
  const unread = isUnread === true ? `, \`${write === 'link' ? 'user' : 'applications'}\` is null` : '';
  return `\`${gets}\`${outcome === undefined ? '' : `, \`${outcome}\``}${unread}`;
}

function renderCalls({ posts, reads }: WriteCase): string {
  return `${posts} and ${reads} ${reads === 1 ? 'read' : 'reads'}`;
}
