import type { Execution } from '../../src/emulator';

/** The part of an identity that the model compares. */
export interface Row {
  id: string;
  extIdpId: string;
  type: string;
  userIdInIdp: string;
}

/** The identities of each user, by user id. A user without an entry does not exist. */
export type Links = ReadonlyMap<string, readonly Row[]>;

/** A change of the pool: an executed unlink, or an identity that was linked again. */
export type Change = { executed: Execution } | { linked: Row; userId: string };

/**
 * The time between a request and its response. A moment is the number of changes made so far, which is exact because
 * subgraph and emulator run in one process.
 */
export interface Span {
  from: number;
  to: number;
  tookMs: number;
  /** How long the event loop was blocked meanwhile, in milliseconds. */
  stalledMs: number;
}

/** What a response says about a user: identities, an unknown user, an error, or null without an error. */
export type Seen = readonly Row[] | 'unknown' | 'error' | 'null';

export interface Reading extends Span {
  userId: string;
  /** The user id in the response. */
  saysUserId: string | null;
  seen: Seen;
}

export interface Unlinking extends Span {
  target: { userId: string; extIdpId: string; type: string | null };
  verdict: 'success' | 'refused' | 'NOT_EXECUTED' | 'UNKNOWN' | 'none of these';
  /** The id of the audit records, if the response contains it. */
  operationId: string | null;
  /** The user in the payload, if any. */
  user: Reading | null;
  /** How often GenAuth executed the unlink, before or after the response. */
  executions: number;
  /** Whether a request to unlink arrived at GenAuth. */
  arrived: boolean;
}

/** Everything that happened in a scenario, recorded after the last effect. */
export interface History {
  initial: Links;
  changes: readonly Change[];
  unlinkTypeDefault: 'all' | 'generic';
  /** Whether a fault made GenAuth return other users than those requested. */
  mayMissUsers: boolean;
  deadlineMs: number;
  readings: readonly Reading[];
  unlinkings: readonly Unlinking[];
  /** The identities at the end. */
  final: Links;
  audit: readonly AuditRecord[];
}

export interface AuditRecord {
  event: 'unlink.intent' | 'unlink.outcome';
  operationId: string;
  target: Unlinking['target'];
  outcome?: string;
}

/** With a longer stall, the duration of a response says nothing. */
const MAX_STALL_MS = 200;
/** How much later than the deadline a response may arrive, without stalls. */
const GRACE_MS = 500;

/** Returns every violation in a history, as text. */
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
    // A long stall delays the emulator and the timers too, so that the duration proves nothing.
    if (stalledMs <= MAX_STALL_MS && tookMs > deadlineMs + GRACE_MS + stalledMs) {
      found.push(`a response took ${tookMs} ms, of which the event loop was blocked for ${stalledMs} ms`);
    }
  }
  return [...found, ...violationsOfAudit(history)];
}

/** The verdicts that each outcome in the audit trail allows. `refused` allows two: GenAuth refuses the unlink or our key. */
const VERDICTS: Readonly<Record<string, readonly Unlinking['verdict'][]>> = {
  acked: ['success'],
  verified_absent: ['success'],
  refused: ['refused', 'NOT_EXECUTED'],
  not_sent: ['NOT_EXECUTED'],
  unknown: ['UNKNOWN'],
};

/** Every unlink that was begun has one intent and one outcome, and the outcome agrees with the caller's response. */
function violationsOfAudit({ audit, unlinkings }: History): string[] {
  const outcomes = audit.filter(({ event }) => event === 'unlink.outcome');
  const intents = audit.filter(({ event }) => event === 'unlink.intent');
  const found: string[] = [];
  const idsOf = (records: readonly AuditRecord[]) =>
    JSON.stringify(records.map(({ operationId }) => operationId).sort());
  if (idsOf(intents) !== idsOf(outcomes))
    found.push(`of intents ${idsOf(intents)} the outcomes are ${idsOf(outcomes)}`);
  // A payload has no operation id, so that its records are found by the target.
  const left = [...unlinkings].filter(({ verdict, operationId }) => verdict !== 'NOT_EXECUTED' || operationId !== null);
  for (const { operationId, target, outcome = '' } of outcomes) {
    const index = left.findIndex(
      (each) =>
        VERDICTS[outcome]?.includes(each.verdict) === true &&
        (each.operationId === null ? targetKey(each.target) === targetKey(target) : each.operationId === operationId),
    );
    if (index === -1) found.push(`no response agrees with the outcome ${outcome} of ${targetKey(target)}`);
    else left.splice(index, 1);
  }
  for (const { verdict, target } of left) found.push(`${verdict} of ${targetKey(target)} is not in the audit trail`);
  return found;
}

function violationsOfUnlinking(unlinking: Unlinking, states: readonly Links[], history: History): string[] {
  const { target, verdict, executions, from, to, user } = unlinking;
  const problem = (text: string): string => `${verdict} for ${JSON.stringify(target)}, but ${text}`;
  const found: string[] = [];
  if (verdict === 'none of these') found.push(problem('no such response exists'));
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

/** A read must show the identities of that user at one moment between request and response. */
function violationsOfReading(reading: Reading, states: readonly Links[], { mayMissUsers }: History): string[] {
  const { userId, saysUserId, seen, from, to } = reading;
  if (saysUserId !== null && saysUserId !== userId) return [`a read of ${userId} returned ${saysUserId}`];
  if (seen === 'error' || (seen === 'unknown' && mayMissUsers)) return [];
  const shown = typeof seen === 'string' ? seen : describeRows(seen);
  const possible = range(from, to).map((moment) => describeRows(states[moment]?.get(userId)));
  return possible.includes(shown)
    ? []
    : [`a read of ${userId} showed ${shown}, but the identities were ${possible.join(' then ')}`];
}

/** Returns the identities after each change, computed from GenAuth's documentation (docs/genauth-api.md). */
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

/** Identifies an unlink among concurrent unlinks. */
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
