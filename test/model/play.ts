import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { Emulator } from '../../src/emulator';
import { representations, type Stack, startStack } from '../support/stack';
import { type EntitiesData, entitySeen, READ, READ_PROFILES, UNLINK, type UnlinkData, unlinkSeen } from './answers';
import { isOf, isOver } from './calls';
import {
  type AuditRecord,
  type Change,
  type History,
  type Links,
  type Reading,
  type Row,
  isKeyOf,
  type Span,
  type Unlinking,
} from './history';
import { generator } from './random';
import { type Cell, isCalm, isUsual, type Scenario, SOURCES, SPOILED, type Step, STRANGER } from './scenario';
import { addSpoiledUser, SPOILED_ID, withSpoiled } from './spoiled';

const hexId = (kind: string, number: number): string => kind + number.toString(16).padStart(23, '0');
const sourceId = (source: number): string => hexId('e', source);

/** Begins the ids of users that no step of a scenario uses. */
const BEFORE = 'd';
const STALL_RESOLUTION_MS = 10;
/** A change and its record can be a few milliseconds apart. */
const CLOCK_RESOLUTION_MS = 20;

/** Plays a scenario on its own subgraph and emulator, and waits for its last effect. */
export async function play(scenario: Scenario): Promise<History> {
  const auditLog = join(tmpdir(), `model-${randomUUID()}.log`);
  const stack = await startStack({
    emulator: {
      seed: { extIdps: SOURCES.map((type, source) => ({ id: sourceId(source), name: type, type })), users: [] },
      switches: scenario.switches,
      random: generator(scenario.seed),
    },
    env: {
      AUDIT_LOG: auditLog,
      GENAUTH_AUTH: scenario.auth,
      LAST_IDENTITY_GUARD: scenario.guard,
      GENAUTH_MAX_CONCURRENCY: String(scenario.concurrency),
      GENAUTH_READ_TIMEOUT_MS: '400',
      GENAUTH_WRITE_TIMEOUT_MS: '500',
      REQUEST_DEADLINE_MS: String(scenario.deadlineMs),
    },
  });
  try {
    const player = new Player(stack, scenario);
    let history;
    try {
      history = await player.play();
    } finally {
      await stack.close();
    }
    const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line !== '');
    const audit = lines.map((line) => JSON.parse(line) as AuditRecord);
    return { ...history, audit: audit.filter(({ target }) => !target.userId.startsWith(BEFORE)) };
  } finally {
    await rm(auditLog, { force: true });
  }
}

class Player {
  readonly #stack: Stack;
  readonly #emulator: Emulator;
  readonly #scenario: Scenario;
  readonly #linked: { change: Extract<Change, { linked: Row }>; moment: number }[] = [];
  readonly #readings: Reading[] = [];
  readonly #unlinkings: Omit<Unlinking, 'executions' | 'arrived'>[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #rows = 0;

  constructor(stack: Stack, scenario: Scenario) {
    this.#stack = stack;
    this.#emulator = stack.emulator;
    this.#scenario = scenario;
    scenario.users.forEach((cells, user) => {
      const userId = this.#userId(user);
      const identities = cells.map((cell) => this.#row(userId, cell));
      this.#emulator.store.addUser({ id: userId, identities });
    });
    if (scenario.spoiled !== null) addSpoiledUser(this.#emulator, scenario.spoiled, sourceId(0));
  }

  async play(): Promise<Omit<History, 'audit'>> {
    if (this.#scenario.outage) await this.#breakDown();
    // Lagging reads must not show the time before the users were added.
    await pause(this.#emulator.switches.readLagMs);
    const initial = this.#links();
    if (this.#scenario.spoiled !== null) await this.#readAll();
    for (const step of this.#scenario.steps) await this.#take(step);
    await Promise.all(this.#underWay);
    await this.#quiet();
    const changes = this.#changes();
    return {
      initial,
      changes,
      unlinkTypeDefault: this.#emulator.switches.unlinkTypeDefault,
      mayMissUsers: this.#scenario.steps.some(
        (step) =>
          step.kind === 'fault' &&
          step.faults.some(
            ({ fault }) =>
              fault === 'user-mismatch' || (fault === 'envelope-404/2004' && step.route === 'get-user-batch'),
          ),
      ),
      isCalm: isCalm(this.#scenario),
      guard: this.#scenario.guard,
      deadlineMs: this.#scenario.deadlineMs,
      readings: this.#readings,
      unlinkings: this.#unlinkings.map((unlinking) => this.#withExecutions(unlinking, changes)),
      final: this.#links(),
    };
  }

  async #take(step: Step): Promise<void> {
    const { faults, store } = this.#emulator;
    switch (step.kind) {
      case 'unlink':
        return this.#start(
          this.#unlink({
            userId: this.#userId(step.user),
            extIdpId: sourceId(step.source),
            type: step.type,
          }),
        );
      case 'read':
        return this.#start(this.#read(step.users.map((user) => this.#userId(user))));
      case 'relink': {
        const userId = this.#userId(step.user);
        if (store.user(userId) === undefined) return;
        const linked = this.#row(userId, step.cell);
        const moment = this.#now();
        store.link(userId, linked);
        this.#linked.push({ change: { userId, linked, at: Date.now() }, moment });
        return;
      }
      case 'fault':
        return faults.set(step.route, withSpoiled(this.#scenario.spoiled, step.route, step.faults));
      case 'clear':
        return this.#clearFaults();
      case 'wait':
        if (this.#underWay.size === 0) return;
        await (step.for === 'one' ? Promise.race(this.#underWay) : Promise.all(this.#underWay));
        return;
      case 'pause':
        await pause(step.ms);
    }
  }

  #clearFaults(): void {
    const { faults } = this.#emulator;
    faults.clear();
    faults.set('get-user-batch', withSpoiled(this.#scenario.spoiled, 'get-user-batch', []));
  }

  #start(request: Promise<void>): void {
    this.#underWay.add(request);
    // A failed request stays in the set, so that `play` rejects.
    request.then(() => this.#underWay.delete(request), nothing);
  }

  /** Reads all users, the spoiled one among them, before a step can make the reads fail. */
  #readAll(): Promise<void> {
    const { outage, switches, users } = this.#scenario;
    const userIds = users.map((_cells, user) => this.#userId(user));
    return this.#read([...userIds, SPOILED_ID], isUsual(switches) && !outage);
  }

  async #read(userIds: readonly string[], isUndisturbed = isCalm(this.#scenario)): Promise<void> {
    const stop = this.#watch();
    const query = this.#scenario.spoiled === 'large profile' ? READ_PROFILES : READ;
    const answer = await this.#stack.ask<EntitiesData>(query, representations(userIds));
    const span = await stop();
    userIds.forEach((userId, index) =>
      this.#readings.push({ ...span, userId, isUndisturbed, ...entitySeen(answer, index) }),
    );
  }

  async #unlink(target: Unlinking['target']): Promise<void> {
    const stop = this.#watch();
    const answer = await this.#stack.ask<UnlinkData>(UNLINK, { ...target });
    const span = await stop();
    const { user, ...said } = unlinkSeen(answer);
    this.#unlinkings.push({
      ...span,
      ...said,
      target,
      user: user && { ...span, ...user, userId: target.userId, isUndisturbed: false, code: null },
    });
  }

  /** Adds what GenAuth received and executed, which the idempotency keys tell. */
  #withExecutions(unlinking: Omit<Unlinking, 'executions' | 'arrived'>, changes: readonly Change[]): Unlinking {
    const { operationId } = unlinking;
    const isOwn = (change: Change): boolean =>
      'executed' in change && isKeyOf(change.executed.idempotencyKey ?? null, operationId);
    const executions = changes.flatMap((change, index) => (isOwn(change) ? [index + 1] : []));
    const keys = this.#emulator.calls.filter((call) => isOf(call, operationId)).map((call) => call.idempotencyKey);
    return { ...unlinking, executions, arrived: new Set(keys).size };
  }

  /** Makes calls fail until the circuit breaker is open. */
  async #breakDown(): Promise<void> {
    this.#emulator.faults.set('*', 'http-503');
    for (let index = 0; index < 25; index++) {
      await this.#stack.ask(READ, representations([hexId(BEFORE, index)]));
    }
    this.#clearFaults();
    await this.#quiet();
    this.#emulator.clearCalls();
  }

  /** Waits until every request has arrived, and no unlink can be executed any more. */
  async #quiet(): Promise<void> {
    // Requests that were sent are in the kernel's buffers; a few turns of the event loop deliver them.
    for (let turns = 0; turns < 20; turns++) await turn();
    while (!this.#emulator.calls.every(isOver)) await pause(20);
  }

  #watch(): () => Promise<Span> {
    const delay = monitorEventLoopDelay({ resolution: STALL_RESOLUTION_MS });
    delay.enable();
    const from = this.#now();
    const shownFrom = this.#shownSince(from);
    const start = performance.now();
    return async () => {
      const span = { from, shownFrom, to: this.#now(), tookMs: performance.now() - start };
      // A stall is measured only after it has ended.
      await pause(2 * STALL_RESOLUTION_MS);
      delay.disable();
      const stalledMs = delay.count === 0 ? 0 : delay.count * (delay.mean / 1e6 - STALL_RESOLUTION_MS);
      return { ...span, stalledMs: Math.max(0, stalledMs) };
    };
  }

  #now(): number {
    return this.#emulator.store.executions.length + this.#linked.length;
  }

  /** The earliest moment that a read may show now. */
  #shownSince(now: number): number {
    const { readLagMs } = this.#emulator.switches;
    if (readLagMs === 0) return now;
    const until = Date.now() - readLagMs - CLOCK_RESOLUTION_MS;
    return this.#changes().filter((change) => atOf(change) <= until).length;
  }

  #changes(): Change[] {
    const changes: Change[] = [];
    const executions = this.#emulator.store.executions.map((executed) => ({ executed }));
    const linked = [...this.#linked];
    while (executions.length > 0 || linked.length > 0) {
      const change = linked[0]?.moment === changes.length ? linked.shift()?.change : executions.shift();
      if (change === undefined) throw new Error('the order of changes was lost');
      changes.push(change);
    }
    return changes;
  }

  #userId(user: number): string {
    if (user === SPOILED) return SPOILED_ID;
    return hexId('a', user === STRANGER ? STRANGER : user % this.#scenario.users.length);
  }

  #row(userId: string, { source, type }: Cell): Row {
    return {
      id: hexId('b', this.#rows++),
      extIdpId: sourceId(source),
      type,
      userIdInIdp: userId,
    };
  }

  #links(): Links {
    const { store } = this.#emulator;
    const rowsOf = (userId: string): Row[] =>
      store.identitiesOf(userId).map(({ identityId, extIdpId, type, userIdInIdp }) => ({
        id: identityId,
        extIdpId,
        type,
        userIdInIdp,
      }));
    const userIds = store.users().map(({ profile }) => profile.userId);
    return new Map(userIds.filter((userId) => userId !== SPOILED_ID).map((userId) => [userId, rowsOf(userId)]));
  }
}

function atOf(change: Change): number {
  return 'executed' in change ? change.executed.at : change.at;
}

function nothing(): void {}
