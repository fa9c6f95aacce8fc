import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { Call, Emulator } from '../../src/emulator';
import { createLog } from '../../src/log';
import { type Answer, representations, type Stack, startStack } from '../support/stack';
import { type EntitiesData, READ } from './answers';
import type { Row } from './history';
import type {
  AuditRecord,
  Executed,
  Moment,
  Reading,
  UserState,
  Write,
  WriteKind,
  WritesHistory,
  WriteTarget,
} from './writesHistory';
import { APPS, LATEST_EXECUTION_MS, type Scenario, SOURCES, type Step, UNKNOWN_USER } from './writesScenario';

const hexId = (kind: string, number: number): string => kind + number.toString(16).padStart(23, '0');
const sourceId = (source: number): string => hexId('e', source);
const appId = (app: number): string => hexId('c', app);

const USER = 'user { id identities { id extIdpId type userIdInIdp } }';
const MUTATIONS: Readonly<Record<WriteKind, string>> = {
  unlink: `mutation ($userId: ID!, $extIdpId: ID!, $type: String) {
    write: unlinkIdentity(userId: $userId, extIdpId: $extIdpId, type: $type) { success operationId ${USER} }
  }`,
  link: `mutation ($userId: ID!, $extIdpId: ID!, $userIdInIdp: String!, $type: String) {
    write: linkIdentity(userId: $userId, extIdpId: $extIdpId, userIdInIdp: $userIdInIdp, type: $type) {
      success operationId ${USER}
    }
  }`,
  sessions: 'mutation ($userId: ID!) { write: revokeSessions(userId: $userId) { success operationId applications } }',
};

const WRITE_ROUTES: ReadonlySet<string> = new Set([
  'POST /api/v3/unlink-identity',
  'POST /api/v3/link-identity',
  'POST /api/v3/kick-users',
]);

interface WriteData {
  write: {
    success: boolean;
    operationId: string | null;
    user?: { id: string; identities: Row[] | null } | null;
    applications?: number | null;
  } | null;
}

/** Plays a scenario on its own subgraph and emulator, and waits for its last effect. */
export async function playWrites(scenario: Scenario): Promise<WritesHistory> {
  const folder = await mkdtemp(join(tmpdir(), 'writes-'));
  const auditLog = join(folder, 'audit.log');
  const logLines: string[] = [];
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logLines.push(...chunk.toString().split('\n'));
      done();
    },
  });
  const stack = await startStack({
    emulator: {
      seed: {
        extIdps: SOURCES.map((type, source) => ({ id: sourceId(source), name: type, type })),
        applications: Array.from({ length: APPS }, (_app, index) => ({ id: appId(index), name: `app ${index}` })),
        users: scenario.users.map(({ accounts, apps }, user) => ({
          id: hexId('a', user),
          identities: accounts.map(({ source, type, account }) => ({
            extIdpId: sourceId(source),
            type,
            userIdInIdp: account,
          })),
          signedInApps: Array.from({ length: apps }, (_app, index) => appId(index)),
        })),
      },
      switches: scenario.switches,
      random: generator(scenario.seed),
    },
    env: {
      AUDIT_LOG: auditLog,
      GENAUTH_MAX_CONCURRENCY: String(scenario.concurrency),
      GENAUTH_READ_TIMEOUT_MS: '400',
      GENAUTH_WRITE_TIMEOUT_MS: '500',
      REQUEST_DEADLINE_MS: String(scenario.deadlineMs),
    },
    log: createLog('info', out),
  });
  try {
    const player = new Player(stack, scenario, auditLog);
    let history;
    try {
      history = await player.play();
    } finally {
      await stack.close();
    }
    const audit = parseLines<AuditRecord>((await readFile(auditLog, 'utf8')).split('\n'));
    const log = parseLines<{ requestId?: string; operationId?: string | null }>(logLines);
    const logged = new Map(log.map(({ requestId = '', operationId = null }) => [requestId, operationId]));
    return { ...history, audit, logged };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class Player {
  readonly #stack: Stack;
  readonly #emulator: Emulator;
  readonly #scenario: Scenario;
  readonly #moments: Moment[] = [];
  readonly #executed: Executed[] = [];
  readonly #writes: Write[] = [];
  readonly #readings: Reading[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(stack: Stack, scenario: Scenario, auditLog: string) {
    this.#stack = stack;
    this.#emulator = stack.emulator;
    this.#scenario = scenario;
    const { store } = this.#emulator;
    this.#snapshot();
    // The ledger has milliseconds only, so that the order of changes is recorded as they happen.
    for (const record of ['recordExecution', 'recordLink', 'recordKick'] as const) {
      const original = store[record].bind(store) as (execution: { idempotencyKey?: string }) => void;
      store[record] = (execution: { idempotencyKey?: string }): void => {
        original(execution);
        this.#snapshot();
        const { idempotencyKey = '' } = execution;
        const [operationId = ''] = /^.{36}/.exec(idempotencyKey) ?? [];
        const hadIntent = readFileSync(auditLog, 'utf8').includes(`.intent","operationId":"${operationId}"`);
        this.#executed.push({ at: Date.now(), idempotencyKey, hadIntent });
      };
    }
  }

  async play(): Promise<Omit<WritesHistory, 'audit' | 'logged'>> {
    for (const step of this.#scenario.steps) await this.#take(step);
    await Promise.all(this.#underWay);
    await this.#quiet();
    return {
      moments: this.#moments,
      executed: this.#executed,
      arrived: this.#emulator.calls.filter(isWrite).map(({ idempotencyKey }) => idempotencyKey ?? 'no key'),
      writes: this.#writes,
      readings: this.#readings,
      readLagMs: this.#emulator.switches.readLagMs,
    };
  }

  async #take(step: Step): Promise<void> {
    const { faults, store } = this.#emulator;
    switch (step.kind) {
      case 'unlink': {
        const target = { userId: this.#userId(step.user), extIdpId: sourceId(step.source), type: step.type };
        return this.#start(this.#write('unlink', target, target));
      }
      case 'link': {
        const { source, type, account: userIdInIdp } = step;
        const target = { userId: this.#userId(step.user), extIdpId: sourceId(source), type, userIdInIdp };
        return this.#start(this.#write('link', { ...target, type: type ?? 'generic' }, target));
      }
      case 'sessions': {
        const userId = this.#userId(step.user);
        return this.#start(this.#write('sessions', { userId, extIdpId: null, type: null }, { userId }));
      }
      case 'read':
        return this.#start(this.#read(step.users.map((user) => this.#userId(user))));
      case 'signIn':
        if (store.user(this.#userId(step.user)) === undefined) return;
        store.signIn(this.#userId(step.user), appId(step.app));
        return this.#snapshot();
      case 'removed':
        store.unlink({ userId: this.#userId(step.user), extIdpId: sourceId(step.source) });
        return this.#snapshot();
      case 'fault':
        return faults.set(step.route, step.faults);
      case 'clear':
        return faults.clear();
      case 'wait':
        if (this.#underWay.size === 0) return;
        await (step.for === 'one' ? Promise.race(this.#underWay) : Promise.all(this.#underWay));
        return;
      case 'pause':
        await pause(step.ms);
    }
  }

  #start(request: Promise<void>): void {
    this.#underWay.add(request);
    // A failed request stays in the set, so that `play` rejects.
    request.then(() => this.#underWay.delete(request), nothing);
  }

  async #write(kind: WriteKind, target: WriteTarget, variables: Record<string, unknown>): Promise<void> {
    const requestId = randomUUID();
    const startedAt = Date.now();
    const answer = await this.#stack.ask<WriteData>(MUTATIONS[kind], variables, { 'x-request-id': requestId });
    const times = { startedAt, endedAt: Date.now() };
    this.#writes.push({ kind, target, requestId, ...times, ...saidBy(answer) });
  }

  async #read(userIds: readonly string[]): Promise<void> {
    const startedAt = Date.now();
    const { data, errors } = await this.#stack.ask<EntitiesData>(READ, representations(userIds));
    const endedAt = Date.now();
    userIds.forEach((userId, index) => {
      const hasFailed = errors.some(({ path }) => path === undefined || path[1] === index);
      const entity = data?._entities[index];
      const seen = hasFailed ? null : (entity?.identities ?? 'unknown');
      this.#readings.push({ userId, seen, startedAt, endedAt });
    });
  }

  /** Waits until every request has arrived, and no write can be executed any more. */
  async #quiet(): Promise<void> {
    // Requests that were sent are in the kernel's buffers; a few turns of the event loop deliver them.
    for (let turns = 0; turns < 20; turns++) await turn();
    while (!this.#emulator.calls.every(isOver)) await pause(20);
  }

  #snapshot(): void {
    const { store } = this.#emulator;
    const stateOf = (userId: string): UserState => ({
      rows: store.identitiesOf(userId).map(({ identityId, extIdpId, type, userIdInIdp }) => ({
        id: identityId,
        extIdpId,
        type,
        userIdInIdp,
      })),
      apps: store.signedInApps(userId),
    });
    const users = new Map(store.users().map(({ profile: { userId } }) => [userId, stateOf(userId)]));
    this.#moments.push({ at: Date.now(), users });
  }

  #userId(user: number): string {
    return hexId('a', user === UNKNOWN_USER ? UNKNOWN_USER : user % this.#scenario.users.length);
  }
}

function saidBy({
  status,
  data,
  errors,
}: Answer<WriteData>): Pick<Write, 'verdict' | 'operationId' | 'user' | 'applications'> {
  const payload = data?.write ?? null;
  const { outcome, operationId = null } = errors[0]?.extensions ?? {};
  const isKnown = payload === null && (outcome === 'NOT_EXECUTED' || outcome === 'UNKNOWN');
  const verdict = isKnown ? outcome : payload?.success === true ? 'success' : payload ? 'refused' : 'none of these';
  return {
    // A field below a payload never adds an error.
    verdict: status === 200 && errors.length === (payload === null ? 1 : 0) ? verdict : 'none of these',
    operationId: payload === null ? (operationId as string | null) : payload.operationId,
    user: payload?.user?.identities ?? null,
    applications: payload?.applications ?? null,
  };
}

function isWrite({ route }: Call): boolean {
  return route !== null && WRITE_ROUTES.has(route);
}

/** Whether a call can no longer execute a write. */
function isOver(call: Call): boolean {
  const { at, data, fault, executed, outcome } = call;
  if (!isWrite(call) || executed || outcome !== null || fault === 'reset-before-read') return true;
  // After a request has been read, only `execute-late` delays its execution.
  if (fault?.startsWith('execute-late') !== true && 'userId' in data) return true;
  return Date.now() - at > LATEST_EXECUTION_MS;
}

function parseLines<Line>(lines: readonly string[]): Line[] {
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
}

/** Returns a generator of numbers from 0 to 1 that depend on the seed only. The algorithm is mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function nothing(): void {}
