import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { ApolloServer } from '@apollo/server';
import { pino } from 'pino';
import type { Emulator, Fault } from '../../src/emulator';
import { ManagementClient } from '../../src/genauth';
import { BatchedReads } from '../../src/identities/batchedReads';
import { IsolatedReads } from '../../src/identities/isolatedReads';
import { type Issuer, startIssuer } from '../support/issuer';
import { credentials, type Stack, startStack } from '../support/stack';
import { APPLICATION, type CallerKind, type Operation, SEED } from './operations';

/** The results that must be the same for both executors. Ids and times that are new for each request are left out. */
export interface Compared {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Unlinks that the emulator executed. */
  executions: object[];
  /** Calls that the emulator received. */
  calls: object[];
  /** Lines of the log. */
  log: object[];
}

const SCOPES: Readonly<Record<CallerKind, string>> = {
  administrator: 'identity:read identity:unlink',
  reader: 'identity:read',
  unlinker: 'identity:unlink',
  user: 'openid',
};

/** A UUID of version 7. */
const OPERATION_ID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;

interface Side {
  stack: Stack;
  log: object[];
}

/** Two subgraphs that differ in their executor only, each against an emulator of its own with the same users. */
export class TwoExecutors {
  readonly fast: Stack;
  readonly reference: Stack;
  readonly #sides: readonly [Side, Side];
  readonly #issuer: Issuer;
  /** Requests that Apollo Server answered, on both sides together. */
  readonly #byApollo = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
  /** Users are not remembered as costly ones: then the calls of a request do not depend on earlier requests. */
  readonly #learning = jest.spyOn(IsolatedReads.prototype, 'learn').mockReturnValue();
  /** Reads of both sides since `restore`. */
  readonly #reads = [jest.spyOn(BatchedReads.prototype, 'load'), jest.spyOn(ManagementClient.prototype, 'getOwners')];

  private constructor(issuer: Issuer, sides: readonly [Side, Side]) {
    this.#issuer = issuer;
    this.#sides = sides;
    [{ stack: this.fast }, { stack: this.reference }] = sides;
  }

  static async start(): Promise<TwoExecutors> {
    const issuer = await startIssuer();
    const startSide = async (executor: string): Promise<Side> => {
      const log: object[] = [];
      const write = (line: string): void => {
        const known = line.replaceAll(OPERATION_ID, 'one of its own');
        const { time: _time, requestId: _requestId, ms: _ms, ...rest } = JSON.parse(known) as Record<string, unknown>;
        log.push(rest);
      };
      const stack = await startStack({
        issuer,
        emulator: { seed: SEED, qps: Infinity },
        env: { GENAUTH_MAX_QPS: '1000000', MAX_MUTATION_FIELDS: '4', EXECUTOR: executor, GENAUTH_APP_IDS: APPLICATION },
        log: pino({ level: 'info', base: null }, { write }),
      });
      // An id that is made for each request would be a difference.
      stack.emulator.switches.requestId = 'never';
      return { stack, log };
    };
    return new TwoExecutors(issuer, await Promise.all([startSide('fast'), startSide('graphql-js')]));
  }

  async close(): Promise<void> {
    this.#byApollo.mockRestore();
    this.#learning.mockRestore();
    for (const reads of this.#reads) reads.mockRestore();
    await Promise.all([this.fast.close(), this.reference.close()]);
    await this.#issuer.close();
  }

  get emulators(): readonly Emulator[] {
    return [this.fast.emulator, this.reference.emulator];
  }

  headersOf(caller: CallerKind): Record<string, string> {
    return credentials(this.#issuer.token({ scope: SCOPES[caller] }));
  }

  /** Ends all faults, and links again what earlier unlinks have removed. */
  reset(): void {
    for (const { faults, switches } of this.emulators) {
      faults.clear();
      switches.unlinkMissing = 'success';
    }
    this.restore();
  }

  restore(): void {
    for (const reads of this.#reads) reads.mockClear();
    for (const { store } of this.emulators) {
      for (const { id: userId = '', identities = [] } of SEED.users) {
        for (const { id: extIdpId = '' } of SEED.extIdps) store.unlink({ userId, extIdpId });
        for (const identity of identities) store.link(userId, identity);
      }
    }
  }

  inflict(fault: Fault, route = '*'): void {
    for (const { faults } of this.emulators) faults.set(route, fault);
  }

  async send(stack: Stack, { query, variables, operationName, accept, caller }: Operation): Promise<Compared> {
    stack.emulator.clearCalls();
    const { log } = this.#sides.find((side) => side.stack === stack) as Side;
    log.length = 0;
    const response = await fetch(`${stack.subgraph.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...this.headersOf(caller),
        ...(accept === undefined ? {} : { accept }),
      },
      body: JSON.stringify({ query, variables, operationName }),
    });
    const { date: _date, 'x-request-id': _id, ...headers } = Object.fromEntries(response.headers);
    const bytes = Buffer.from(await response.arrayBuffer());
    const body = bytes.toString().replaceAll(OPERATION_ID, 'one of its own');
    await this.#untilReadsEnd();
    const executions = stack.emulator.store.executions.map(({ at: _at, idempotencyKey = '', ...execution }) => ({
      ...execution,
      idempotencyKey: idempotencyKey.replace(OPERATION_ID, 'one of its own'),
    }));
    // Sources and applications are cached for a minute, whichever request needs them first.
    const calls = stack.emulator.calls
      .filter(({ route }) => route !== 'GET /api/v3/list-ext-idp' && route !== 'GET /api/v3/get-application')
      .map(({ route, userIds, executed }) => ({ route, userIds: [...userIds].sort(), executed }));
    return { status: response.status, headers, body, executions, calls, log: [...log] };
  }

  /**
   * Waits for the reads of fields whose result is not part of the response. graphql-js responds as soon as an error makes
   * `data` null, while other root fields are still being read.
   */
  async #untilReadsEnd(): Promise<void> {
    const started = (): Promise<unknown>[] =>
      this.#reads.flatMap(({ mock }) => mock.results.map(({ value }) => value as Promise<unknown>));
    for (let awaited = -1; started().length > awaited; await setImmediate()) {
      awaited = started().length;
      await Promise.allSettled(started());
    }
  }

  /** Sends a request to both, and expects the same. `wasCompiled`: Apollo Server had no part in one of the responses. */
  async expectSame(request: Operation): Promise<Compared & { wasCompiled: boolean }> {
    this.restore();
    this.#byApollo.mockClear();
    const [one, other] = await Promise.all([this.send(this.fast, request), this.send(this.reference, request)]);
    assert.deepStrictEqual(one, other);
    return { ...one, wasCompiled: this.#byApollo.mock.calls.length === 1 };
  }

  /** Sends a request twice, because an operation is compiled after its first execution. */
  async expectSameTwice(request: Operation): Promise<Compared & { wasCompiled: boolean }> {
    const first = await this.expectSame(request);
    const second = await this.expectSame(request);
    assert.deepStrictEqual(second, { ...first, wasCompiled: second.wasCompiled });
    return second;
  }

  /** Sends a request until its operation is compiled. */
  async learn(request: Operation): Promise<void> {
    assert((await this.expectSameTwice(request)).wasCompiled);
  }
}

/** Returns the counts of requests, calls and unlinks from the metrics endpoint. */
export async function countsOf({ subgraph }: Stack): Promise<string[]> {
  const metrics = await (await fetch(`${subgraph.adminUrl}/metrics`)).text();
  const counts = /^(graphql_request_|genauth_call_)duration_seconds_count|^genauth_batch_users_(sum|count)|^unlink_/;
  return metrics
    .split('\n')
    .filter((line) => counts.test(line))
    .sort();
}
