import type { Row } from './history';
import type { WriteStep } from './writesScenario';

export type WriteKind = WriteStep['kind'];

/** What a write names. `userIdInIdp` only of a link. */
export interface WriteTarget {
  userId: string;
  extIdpId: string | null;
  type: string | null;
  userIdInIdp?: string;
}

/** A write, and what its caller was told. */
export interface Write {
  kind: WriteKind;
  target: WriteTarget;
  /** The `x-request-id` of the request. */
  requestId: string;
  verdict: 'success' | 'refused' | 'NOT_EXECUTED' | 'UNKNOWN' | 'none of these';
  operationId: string | null;
  /** The identities in the payload; null if it has none. */
  user: readonly Row[] | null;
  /** The number of applications in the payload. */
  applications: number | null;
  /** Epoch milliseconds of the request and of the response. */
  startedAt: number;
  endedAt: number;
}

/** A read of one user. `seen` is null for an error. */
export interface Reading {
  userId: string;
  seen: readonly Row[] | 'unknown' | null;
  startedAt: number;
  endedAt: number;
}

export interface UserState {
  rows: readonly Row[];
  /** The applications that the user is signed in to. */
  apps: readonly string[];
}

/** The pool after a change. */
export interface Moment {
  at: number;
  users: ReadonlyMap<string, UserState>;
}

/** A write that GenAuth executed. */
export interface Executed {
  at: number;
  idempotencyKey: string;
  /** Whether the intent was in the audit trail at that moment. */
  hadIntent: boolean;
}

export interface AuditRecord {
  event: string;
  operationId: string;
  requestId: string | null;
  target: WriteTarget;
  outcome?: string;
}

/** Everything that happened in a scenario, recorded after the last effect. */
export interface WritesHistory {
  /** The first is the pool at the start. */
  moments: readonly Moment[];
  executed: readonly Executed[];
  /** Idempotency keys of the requests to write that arrived at GenAuth, executed or not. */
  arrived: readonly string[];
  writes: readonly Write[];
  readings: readonly Reading[];
  audit: readonly AuditRecord[];
  /** The operation id that the log has, by request id. */
  logged: ReadonlyMap<string, string | null>;
  readLagMs: number;
}

/** Returns every violation in a history, as text. */
export function violationsOf(history: WritesHistory): string[] {
  return [
    ...history.writes.flatMap((write) => violationsOfWrite(write, history)),
    ...history.readings.flatMap((reading) => violationsOfReading(reading, history)),
    ...violationsOfKeys(history),
    ...violationsOfAudit(history),
  ];
}

function violationsOfWrite(write: Write, history: WritesHistory): string[] {
  const { kind, verdict, target, operationId, requestId } = write;
  const problem = (text: string): string => `${kind} ${verdict} of ${JSON.stringify(target)} ${operationId}: ${text}`;
  const executions = history.executed.filter(({ idempotencyKey }) => isOf(operationId, idempotencyKey));
  const arrived = new Set(history.arrived.filter((key) => isOf(operationId, key)));
  const found: string[] = [];
  if (verdict === 'none of these') found.push(problem('no such response exists'));
  if (verdict === 'NOT_EXECUTED' && executions.length > 0) found.push(problem('it was executed'));
  // Of several requests, some may have been executed before one was refused.
  if (verdict === 'refused' && arrived.size > 0 && executions.length >= arrived.size) {
    found.push(problem('every request was executed'));
  }
  if (verdict === 'success' && !isTrue(write, history, executions.length, arrived.size)) {
    found.push(problem('the state that it asks for was never reached'));
  }
  const states = statesDuring(write, history);
  if (write.user !== null && !states.some(({ rows }) => sameRows(rows, write.user ?? []))) {
    found.push(problem(`the user never had the identities ${JSON.stringify(write.user)}`));
  }
  if (write.applications !== null && write.applications > leftApps(states).size) {
    found.push(problem(`the user was never signed out of ${write.applications} applications`));
  }
  if (history.logged.get(requestId) !== operationId) {
    found.push(problem(`the log has the operation id ${history.logged.get(requestId)}`));
  }
  return found;
}

/** Whether a success says the truth: the state was reached, or nothing could be read and every request was executed. */
function isTrue(write: Write, history: WritesHistory, executions: number, requests: number): boolean {
  const { kind, target, user, applications } = write;
  const states = statesDuring(write, history);
  if (kind === 'sessions') {
    if (applications === null) return executions === requests && requests > 0;
    const signedIn = states[0]?.apps ?? [];
    const left = leftApps(states);
    return signedIn.every((app) => left.has(app));
  }
  if (user === null && requests > 0 && executions === requests) return true;
  return states.some(({ rows }) => rows.some((row) => isMeant(row, target)) === (kind === 'link'));
}

function isMeant(row: Row, { extIdpId, type, userIdInIdp }: WriteTarget): boolean {
  return (
    row.extIdpId === extIdpId &&
    (type === null || row.type === type) &&
    (userIdInIdp === undefined || row.userIdInIdp === userIdInIdp)
  );
}

/** Returns the applications that a user was signed in to and later was not. */
function leftApps(states: readonly UserState[]): Set<string> {
  const left = new Set<string>();
  const seen = new Set<string>();
  for (const { apps } of states) {
    for (const app of seen) if (!apps.includes(app)) left.add(app);
    for (const app of apps) seen.add(app);
  }
  return left;
}

/** A read shows the identities of that user at one moment between request and response, or earlier by the lag of reads. */
function violationsOfReading(reading: Reading, history: WritesHistory): string[] {
  const { userId, seen } = reading;
  if (seen === null) return [];
  const exists = history.moments[0]?.users.has(userId) === true;
  if (seen === 'unknown') return exists ? [`a read says that GenAuth does not know ${userId}`] : [];
  const states = statesDuring({ ...reading, target: reading }, history);
  const isShown = exists && states.some(({ rows }) => sameRows(rows, seen));
  return isShown ? [] : [`a read of ${userId} showed ${JSON.stringify(seen)}`];
}

/** Returns the states of a user from the request to the response. It begins earlier by the lag of reads. */
function statesDuring(
  { target, startedAt, endedAt }: { target: { userId: string }; startedAt: number; endedAt: number },
  { moments, readLagMs }: WritesHistory,
): UserState[] {
  const from = moments.findLastIndex(({ at }) => at < startedAt - readLagMs);
  return moments
    .slice(Math.max(from, 0))
    .filter(({ at }, index) => index === 0 || at <= endedAt)
    .map(({ users }) => users.get(target.userId) ?? { rows: [], apps: [] });
}

/** No key is executed twice, and each belongs to a write whose response names it. */
function violationsOfKeys({ writes, executed, arrived }: WritesHistory): string[] {
  const keys = executed.map(({ idempotencyKey }) => idempotencyKey);
  const repeated = keys.filter((key, index) => keys.indexOf(key) < index);
  const foreign = arrived.filter((key) => !writes.some(({ operationId }) => isOf(operationId, key)));
  const early = executed.filter(({ hadIntent }) => !hadIntent);
  return [
    ...repeated.map((key) => `${key} was executed twice`),
    ...foreign.map((key) => `no response names the operation of ${key}`),
    ...early.map(({ idempotencyKey }) => `${idempotencyKey} was executed before its intent was recorded`),
  ];
}

/** The verdicts that each outcome allows. `refused` allows two: GenAuth refuses the write or our key. */
const VERDICTS: Readonly<Record<string, readonly Write['verdict'][]>> = {
  acked: ['success'],
  verified_absent: ['success'],
  verified_present: ['success'],
  refused: ['refused'],
  not_sent: ['NOT_EXECUTED'],
  unknown: ['UNKNOWN'],
};

/** Every write that was begun has one intent and then one outcome, and both agree with the response. */
function violationsOfAudit({ audit, writes, arrived }: WritesHistory): string[] {
  const found: string[] = [];
  const ids = new Set(audit.map(({ operationId }) => operationId));
  for (const write of writes) {
    const { kind, operationId, verdict, target, requestId } = write;
    if (operationId === null) {
      if (verdict === 'UNKNOWN') found.push(`an unknown ${kind} has no operation id`);
      continue;
    }
    ids.delete(operationId);
    const records = audit.filter((record) => record.operationId === operationId);
    const [intent, outcome, ...more] = records;
    if (intent?.event !== `${kind}.intent` || outcome?.event !== `${kind}.outcome` || more.length > 0) {
      found.push(`the records of ${operationId} are ${JSON.stringify(records)}`);
      continue;
    }
    const recorded = outcome.outcome ?? '';
    if (VERDICTS[recorded]?.includes(verdict) !== true) found.push(`${verdict} of ${operationId} has ${recorded}`);
    if (recorded === 'verified_present' && kind !== 'link') found.push(`a ${kind} was verified as present`);
    if (recorded === 'verified_absent' && kind === 'link') found.push('a link was verified as absent');
    for (const record of [intent, outcome]) {
      if (record.requestId !== requestId) found.push(`${operationId} has the request id ${record.requestId}`);
      if (JSON.stringify(record.target) !== JSON.stringify(target)) {
        found.push(`${operationId} has the target ${JSON.stringify(record.target)}, not ${JSON.stringify(target)}`);
      }
    }
    if (recorded === 'acked' && !arrived.some((key) => isOf(operationId, key))) {
      found.push(`${operationId} was confirmed, but never arrived`);
    }
  }
  return [...found, ...[...ids].map((id) => `no response names ${id}`)];
}

/** Whether an `Idempotency-Key` is that of an operation: its id, or its id with the number of the request. */
export function isOf(operationId: string | null, key: string): boolean {
  return operationId !== null && (key === operationId || key.startsWith(`${operationId}-`));
}

function sameRows(left: readonly Row[], right: readonly Row[]): boolean {
  const key = (rows: readonly Row[]): string => JSON.stringify(rows.map(({ id, type }) => `${id} ${type}`).sort());
  return key(left) === key(right);
}
