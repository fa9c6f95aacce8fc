import type { Execution } from '../../src/emulator';

/** One identity, as far as the model looks at one. */
export interface Row {
  id: string;
  extIdpId: string;
  type: string;
  userIdInIdp: string;
}

/** What is linked to whom, by user id. Who is not in it does not exist. */
export type Links = ReadonlyMap<string, readonly Row[]>;

export type Change = { executed: Execution } | { linked: Row; userId: string };

/**
 * Between what moments something was asked and answered, and how long it took. A moment is the number of changes that had
 * been made by then: in one process it is exact.
 */
export interface Span {
  from: number;
  to: number;
  tookMs: number;
  /** How far the machine itself kept everything waiting meanwhile. */
  stalledMs: number;
}

/** What an answer said of a user: rows, that there is no such user, an error instead, or null without one. */
export type Seen = readonly Row[] | 'unknown' | 'error' | 'null';

export interface Reading extends Span {
  userId: string;
  /** Whose identities the answer says they are. */
  saysUserId: string | null;
  seen: Seen;
}

export interface Unlinking extends Span {
  target: { userId: string; extIdpId: string; type: string | null };
  verdict: 'success' | 'refused' | 'NOT_EXECUTED' | 'UNKNOWN' | 'none of these';
  /** Of the audit trail, where the answer has it. */
  operationId: string | null;
  /** The user in the payload. */
  user: Reading | null;
  /** How often it was executed, in time or late. */
  executions: number;
  /** Whether any request for it arrived at GenAuth. */
  arrived: boolean;
}

/** All that happened in a scenario, with nothing of it still to come. */
export interface History {
  initial: Links;
  changes: readonly Change[];
  unlinkTypeDefault: 'all' | 'generic';
  /** Whether GenAuth was made to answer about other users than those it was asked for. */
  mayMissUsers: boolean;
  deadlineMs: number;
  readings: readonly Reading[];
  unlinkings: readonly Unlinking[];
  /** What was linked when all was over. */
  final: Links;
  audit: readonly AuditRecord[];
}

export interface AuditRecord {
  event: 'unlink.intent' | 'unlink.outcome';
  operationId: string;
  target: Unlinking['target'];
  outcome?: string;
}

/** What an answer may take on top of the deadline, beside what the machine itself takes. */
const MAX_STALL_MS = 200;
const GRACE_MS = 500;

/** Finds everything in a history that must never happen. */
export function violationsOf(history: History): string[] {
  const { unlinkings, readings, deadlineMs } = history;
  const found: string[] = [];
  const states = statesOf(history);
  if (describe(states.at(-1)) !== describe(history.final)) {
    found.push(`the pool ended as ${describe(history.final)} and not as ${describe(states.at(-1))}`);
  }
  for (const reading of readings) found.push(...violationsOfReading(reading, states, history));
  for (const unlinking of unlinkings) found.push(...violationsOfUnlinking(unlinking, states, history));
  for (const { tookMs, stalledMs } of [...readings, ...unlinkings]) {
    // A machine that has no time for this process has none for the emulator and the timers either: then nothing is said.
    if (stalledMs <= MAX_STALL_MS && tookMs > deadlineMs + GRACE_MS + stalledMs) {
      found.push(`an answer took ${tookMs} ms, of which the machine stalled for ${stalledMs}`);
    }
  }
  return [...found, ...violationsOfAudit(history)];
}

/** What the answer says where the audit trail says this. `refused` stands for two: by what was asked, and by who asked. */
const VERDICTS: Readonly<Record<string, readonly Unlinking['verdict'][]>> = {
  acked: ['success'],
  verified_absent: ['success'],
  refused: ['refused', 'NOT_EXECUTED'],
  not_sent: ['NOT_EXECUTED'],
  unknown: ['UNKNOWN'],
};

/** Every unlink that was tried has an intent and one outcome, which is what the caller was told. */
function violationsOfAudit({ audit, unlinkings }: History): string[] {
  const outcomes = audit.filter(({ event }) => event === 'unlink.outcome');
  const intents = audit.filter(({ event }) => event === 'unlink.intent');
  const found: string[] = [];
  const idsOf = (records: readonly AuditRecord[]) =>
    JSON.stringify(records.map(({ operationId }) => operationId).sort());
  if (idsOf(intents) !== idsOf(outcomes))
    found.push(`of intents ${idsOf(intents)} the outcomes are ${idsOf(outcomes)}`);
  // Payloads carry no operation id: what is left for them is told apart by its target.
  const left = [...unlinkings].filter(({ verdict, operationId }) => verdict !== 'NOT_EXECUTED' || operationId !== null);
  for (const { operationId, target, outcome = '' } of outcomes) {
    const told = left.findIndex(
      (each) =>
        VERDICTS[outcome]?.includes(each.verdict) === true &&
        (each.operationId === null ? targetKey(each.target) === targetKey(target) : each.operationId === operationId),
    );
    if (told === -1) found.push(`nobody was told ${outcome} of ${targetKey(target)}`);
    else left.splice(told, 1);
  }
  for (const { verdict, target } of left) found.push(`${verdict} of ${targetKey(target)} is not in the audit trail`);
  return found;
}

function violationsOfUnlinking(unlinking: Unlinking, states: readonly Links[], history: History): string[] {
  const { target, verdict, executions, from, to, user } = unlinking;
  const problem = (text: string): string => `${verdict} for ${JSON.stringify(target)}, but ${text}`;
  const found: string[] = [];
  if (verdict === 'none of these') found.push(problem('that is no answer'));
  if (executions > 1) found.push(problem(`it was executed ${executions} times`));
  if ((verdict === 'NOT_EXECUTED' || verdict === 'refused') && executions > 0) found.push(problem('it was executed'));
  if (verdict === 'success') {
    const done = range(from, to).find(
      (moment) => isExecutionOf(history.changes[moment - 1], target, moment > from) || isAbsent(target, states[moment]),
    );
    if (done === undefined) found.push(problem('it was neither executed in time nor were the identities ever gone'));
    else if (user !== null) found.push(...violationsOfReading({ ...user, from: done }, states, history));
  } else if (user !== null) {
    found.push(...violationsOfReading(user, states, history));
  }
  return found;
}

/** A read shows what was linked at some moment between question and answer: nothing older, nobody else's, no mixture. */
function violationsOfReading(reading: Reading, states: readonly Links[], { mayMissUsers }: History): string[] {
  const { userId, saysUserId, seen, from, to } = reading;
  if (saysUserId !== null && saysUserId !== userId) return [`asked for ${userId}, answered about ${saysUserId}`];
  if (seen === 'error' || (seen === 'unknown' && mayMissUsers)) return [];
  const shown = typeof seen === 'string' ? seen : describeRows(seen);
  const possible = range(from, to).map((moment) => describeRows(states[moment]?.get(userId)));
  return possible.includes(shown)
    ? []
    : [`a read of ${userId} showed ${shown}, which it was not: ${possible.join(' then ')}`];
}

/** What was linked after each change, by the words of the documentation. */
function statesOf({ initial, changes, unlinkTypeDefault }: History): Links[] {
  const states = [initial];
  for (const change of changes) {
    const { userId } = 'linked' in change ? change : change.executed;
    const state = new Map(states.at(-1));
    const rows = state.get(userId) ?? [];
    if ('linked' in change) {
      const held = rows.some((row) => keyOf(row) === keyOf(change.linked));
      state.set(userId, held ? rows : [...rows, change.linked]);
    } else {
      const { extIdpId } = change.executed;
      const type = change.executed.type ?? (unlinkTypeDefault === 'generic' ? 'generic' : null);
      state.set(
        userId,
        rows.filter((row) => !isMeant(row, { extIdpId, type })),
      );
    }
    states.push(state);
  }
  return states;
}

function isExecutionOf(change: Change | undefined, target: Unlinking['target'], inTime: boolean): boolean {
  return inTime && change !== undefined && 'executed' in change && targetKey(change.executed) === targetKey(target);
}

function isAbsent(target: Unlinking['target'], state: Links | undefined): boolean {
  return !(state?.get(target.userId) ?? []).some((row) => isMeant(row, target));
}

function isMeant(row: Row, { extIdpId, type }: { extIdpId: string; type: string | null }): boolean {
  return row.extIdpId === extIdpId && (type === null || row.type === type);
}

/** Of an unlink: what tells it from the unlinks that may be under way at the same time. */
export function targetKey({
  userId,
  extIdpId,
  type,
}: {
  userId: string;
  extIdpId: string;
  type: string | null;
}): string {
  return JSON.stringify([userId, extIdpId, type]);
}

function keyOf({ extIdpId, type, userIdInIdp }: Row): string {
  return JSON.stringify([extIdpId, type, userIdInIdp]);
}

function describeRows(rows: readonly Row[] | undefined): string {
  if (rows === undefined) return 'unknown';
  return `[${rows.map((row) => `${row.id} ${keyOf(row)}`).join(' ')}]`;
}

function describe(links: Links | undefined): string {
  return [...(links ?? [])].map(([userId, rows]) => `${userId}: ${describeRows(rows)}`).join(', ');
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_value, index) => from + index);
}
