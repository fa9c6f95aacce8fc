import { FAULT_CASES } from './cases';
import type { FaultCase, ReadResult, UnlinkResult } from './faultCase';

const HEAD = ['what happened', 'a reader gets', 'the caller of an unlink gets', 'calls made'];

/** Renders the table of docs/faults.md, as rows of cells. */
export function renderTable(): string[][] {
  return [
    HEAD,
    ...FAULT_CASES.map((row) => [row.name, renderRead(row.read), renderUnlink(row), renderCalls(row).join('; ')]),
  ];
}

function renderRead(read: ReadResult | undefined): string {
  return read === undefined ? '–' : read.gets.map(renderGets).join(', ');
}

/** Renders `120 × identities` or one result of a read. */
function renderGets(text: string): string {
  const [, count = '', result = ''] = /^(\d+ × )?(.*)$/.exec(text) ?? [];
  if (result === 'identities') return `${count}the identities`;
  return count + (result === 'null' ? 'a null entity' : code(result));
}

function renderUnlink({ unlinkExecuted, unlinkNotExecuted }: FaultCase): string {
  if (unlinkExecuted !== undefined && unlinkNotExecuted !== undefined) return 'what reading shows';
  const unlink = unlinkExecuted ?? unlinkNotExecuted;
  if (unlink === undefined) return '–';
  return unlink.outcome === undefined ? code(unlink.gets) : `${code(unlink.gets)}, ${code(unlink.outcome)}`;
}

function renderCalls({ read, unlinkExecuted, unlinkNotExecuted }: FaultCase): string[] {
  const ofRead = read === undefined ? [] : [`read: ${read.calls}${renderConnects(read)}`];
  const unlink = unlinkExecuted ?? unlinkNotExecuted;
  if (unlink === undefined) return ofRead;
  const ofUnlink =
    unlinkExecuted !== undefined && unlinkNotExecuted !== undefined
      ? `${unlinkExecuted.posts} and ${unlinkExecuted.reads} or ${unlinkNotExecuted.reads} reads`
      : `${unlink.posts}${renderReads(unlink)}${renderConnects(unlink)}`;
  return [...ofRead, `unlink: ${ofUnlink}`];
}

function renderReads({ reads }: UnlinkResult): string {
  return reads === 0 ? '' : ` and ${reads} ${reads === 1 ? 'read' : 'reads'}`;
}

function renderConnects({ connects }: { connects?: number }): string {
  return connects === undefined ? '' : ` (${connects} ${connects === 1 ? 'attempt' : 'attempts'} to connect)`;
}

function code(text: string): string {
  return `\`${text}\``;
}
