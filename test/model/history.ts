import type { Execution } from '../../src/emulator';
import { SPOILED_ID, violationsOfSpoiling } from './spoiled';

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
export type Change = { executed: Execution } | { linked: Row; userId: string; at: number };

/**
 * The time between a request and its response. A moment is the number of changes made so far, which is exact because
 * subgraph and emulator run in one process.
 */
export interface Span {
  from: number;
  /** Earlier than `from` if GenAuth's reads lag: the earliest moment that a read may show. */
  shownFrom: number;
  to: number;
  tookMs: number;
  /** How long the event loop was blocked meanwhile, in milliseconds. */
  stalledMs: number;
}

/** What a response says about a user: identities, an unknown user, an error, or null without an error. */
export type Seen = readonly Row[] | 'unknown' | 'error' | 'null';

export interface Reading extends Span {
  userId: string;
  /** Whether nothing can make the read fail, except the content of other users. */
  isUndisturbed: boolean;
  /** The user id in the response. */
  saysUserId: string | null;
  seen: Seen;
  /** The code of the error, or null. */
  code: unknown;
}

export interface Unlinking extends Span {
  target: { userId: string; extIdpId: string; type: string | null };
  verdict: 'success' | 'refused' | 'NOT_EXECUTED' | 'UNKNOWN' | 'none of these';
  /** The id of the audit records, if the response contains it. The idempotency keys of the requests begin with it. */
  operationId: string | null;
  /** The ids of the removed identities. Null if the response has no such list. */
  removed: readonly string[] | null;
  /** The user in the payload, if any. */
  user: Reading | null;
  /** The moments at which GenAuth executed requests of the unlink, before or after the response. */
  executions: readonly number[];
  /** The number of requests of the unlink that arrived at GenAuth. */
  arrived: number;
}

/** Everything that happened in a scenario, recorded after the last effect. */
export interface History {
  initial: Links;
  changes: readonly Change[];
  unlinkTypeDefault: 'all' | 'generic';
  /** Whether a fault made GenAuth deny users that exist, or return other users than those requested. */
  mayMissUsers: boolean;
  /** Whether nothing made a read fail, and every read shows the present. */
  isCalm: boolean;
  guard: 'off' | 'all';
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
  removed?: readonly { id: string }[] | null;
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
  return [
    ...found,
    ...violationsOfSpoiling(history),
    ...violationsOfGuard(states, history),
    ...violationsOfAudit(history),
  ];
}

/** The verdicts that each outcome in the audit trail allows. */
const VERDICTS: Readonly<Record<string, readonly Unlinking['verdict'][]>> = {
  acked: ['success'],
  verified_absent: ['success'],
  refused: ['refused'],
  not_sent: ['NOT_EXECUTED'],
  unknown: ['UNKNOWN'],
};

/** Every unlink that was begun has one intent and one outcome, and the outcome agrees with the caller's response. */
function violationsOfAudit({ audit, unlinkings, changes }: History): string[] {
  const outcomes = audit.filter(({ event }) => event === 'unlink.outcome');
  const intents = audit.filter(({ event }) => event === 'unlink.intent');
  const found: string[] = [];
  const idsOf = (records: readonly { operationId: string | null }[]) =>
    JSON.stringify(records.map(({ operationId }) => operationId).sort());
  if (idsOf(intents) !== idsOf(outcomes))
    found.push(`of intents ${idsOf(intents)} the outcomes are ${idsOf(outcomes)}`);
  const begun = unlinkings.filter(({ verdict, operationId }) => verdict !== 'NOT_EXECUTED' || operationId !== null);
  if (idsOf(begun) !== idsOf(intents)) found.push(`of unlinks ${idsOf(begun)} the intents are ${idsOf(intents)}`);
  for (const { operationId, target, outcome = '', removed } of outcomes) {
    const unlinking = begun.find((each) => each.operationId === operationId);
    if (unlinking === undefined) continue;
    const problem = (text: string): string => `the outcome ${outcome} of ${JSON.stringify(target)} ${text}`;
    if (JSON.stringify(unlinking.target) !== JSON.stringify(target)) found.push(problem('has another target'));
    if (VERDICTS[outcome]?.includes(unlinking.verdict) !== true) found.push(problem(`is told as ${unlinking.verdict}`));
    const ids = removed?.map(({ id }) => id) ?? null;
    const isPayload = unlinking.verdict === 'success' || unlinking.verdict === 'refused';
    if (isPayload && JSON.stringify(ids) !== JSON.stringify(unlinking.removed)) {
      found.push(problem(`lists ${JSON.stringify(ids)}, and the response ${JSON.stringify(unlinking.removed)}`));
    }
  }
  for (const change of changes) {
    if (!('executed' in change)) continue;
    const { idempotencyKey = '' } = change.executed;
    if (!intents.some(({ operationId }) => isKeyOf(idempotencyKey, operationId))) {
      found.push(`an unlink with the key "${idempotencyKey}" was executed, for which there is no intent`);
    }
  }
  return found;
}

/** Whether an idempotency key is one of an operation: its id, with a number for each further request. */
export function isKeyOf(key: string | null, operationId: string | null): boolean {
  return operationId !== null && key !== null && (key === operationId || key.startsWith(`${operationId}-`));
}

function violationsOfUnlinking(unlinking: Unlinking, states: readonly Links[], history: History): string[] {
  const { target, verdict, executions, arrived, removed, from, shownFrom, to, user } = unlinking;
  const problem = (text: string): string => `${verdict} for ${JSON.stringify(target)}, but ${text}`;
  const found: string[] = [];
  if (verdict === 'none of these') found.push(problem('no such response exists'));
  const keys = executions.map((moment) => executionAt(history, moment)?.idempotencyKey);
  if (new Set(keys).size < keys.length) found.push(problem(`a request was executed twice: ${keys.join(' ')}`));
  if (verdict === 'NOT_EXECUTED' && executions.length > 0) found.push(problem('it was executed'));
  if (verdict === 'refused' && executions.length > 0 && executions.length >= arrived) {
    found.push(problem('every request was executed'));
  }
  const inTime = executions.filter((moment) => moment <= to);
  let done = from;
  if (verdict === 'success') {
    // A response whose `removed` is null rests on GenAuth's confirmation alone.
    const first =
      removed === null ? undefined : range(shownFrom, to).find((moment) => isAbsent(target, states[moment]));
    const isConfirmed = removed === null && inTime.length > 0;
    if (first === undefined && !isConfirmed && !history.mayMissUsers) {
      found.push(problem('it was neither executed in time nor were the identities ever gone'));
    }
    done = Math.max(from, first ?? from);
  }
  const mayShowFrom = shownFrom < from ? shownFrom : done;
  if (user !== null) found.push(...violationsOfReading({ ...user, shownFrom: mayShowFrom }, states, history));
  return [...found, ...violationsOfRemoved(unlinking, inTime, states, history).map(problem)];
}

/** Identities in `removed` were linked before, and are gone. Those that the unlink itself removed are in `removed`. */
function violationsOfRemoved(
  { target, verdict, removed, from, shownFrom, to, tookMs }: Unlinking,
  inTime: readonly number[],
  states: readonly Links[],
  history: History,
): string[] {
  const rowsAt = (moment: number): readonly Row[] => states[moment]?.get(target.userId) ?? [];
  if (removed === null) {
    const mustBeRead = history.isCalm && tookMs < history.deadlineMs / 2;
    return verdict === 'success' && mustBeRead ? ['`removed` is null although every read succeeds'] : [];
  }
  if (history.mayMissUsers) return [];
  const found: string[] = [];
  for (const id of removed) {
    const row = range(shownFrom, to)
      .flatMap(rowsAt)
      .find((each) => each.id === id);
    if (row === undefined) found.push(`the removed identity ${id} was not linked`);
    else if (row.extIdpId !== target.extIdpId) found.push(`the removed identity ${id} is of another source`);
    if (rowsAt(to).some((each) => each.id === id)) found.push(`the removed identity ${id} is still linked`);
  }
  if (shownFrom < from || range(from + 1, to).some((moment) => 'linked' in (history.changes[moment - 1] ?? {})))
    return found;
  for (const moment of inTime) {
    const left = new Set(rowsAt(moment).map(({ id }) => id));
    const missing = rowsAt(moment - 1).filter(({ id }) => !left.has(id) && !removed.includes(id));
    // Without a success, the last read may have been too early.
    if (verdict === 'success' && missing.length > 0) found.push(`\`removed\` lacks ${describeRows(missing)}`);
  }
  return found;
}

/** With the guard on, no unlink leaves a user without an identity. A late execution can, because no guard sees it coming. */
function violationsOfGuard(states: readonly Links[], history: History): string[] {
  const { guard, mayMissUsers, unlinkings, changes } = history;
  const isLate = unlinkings.some(({ verdict, shownFrom, from }) => verdict === 'UNKNOWN' || shownFrom < from);
  if (guard === 'off' || mayMissUsers || isLate) return [];
  return changes.flatMap((change, index) => {
    if (!('executed' in change) || change.executed.removed === 0) return [];
    const left = states[index + 1]?.get(change.executed.userId) ?? [];
    return left.length > 0 ? [] : [`the guard let ${change.executed.userId} lose the last identity`];
  });
}

function executionAt({ changes }: History, moment: number): Execution | undefined {
  const change = changes[moment - 1];
  return change !== undefined && 'executed' in change ? change.executed : undefined;
}

/** A read must show the identities of that user at one moment between request and response. */
function violationsOfReading(reading: Reading, states: readonly Links[], { mayMissUsers }: History): string[] {
  const { userId, saysUserId, seen, shownFrom, to } = reading;
  if (saysUserId !== null && saysUserId !== userId) return [`a read of ${userId} returned ${saysUserId}`];
  if (userId === SPOILED_ID || seen === 'error' || (seen === 'unknown' && mayMissUsers)) return [];
  const shown = typeof seen === 'string' ? seen : describeRows(seen);
  const possible = range(shownFrom, to).map((moment) => describeRows(states[moment]?.get(userId)));
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

function isAbsent(target: Unlinking['target'], state: Links | undefined): boolean {
  return !(state?.get(target.userId) ?? []).some((row) => isMeant(row, target));
}

function isMeant(row: Row, { extIdpId, type }: { extIdpId: string; type: string | null }): boolean {
  return row.extIdpId === extIdpId && (type === null || row.type === type);
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
