import { randomBytes } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessKey } from '../genauth/signature';
import { Authenticator } from './authentication';
import type { Call } from './calls';
import { control, CONTROL_PATH } from './control';
import { BUILT_IN_SEED } from './builtInSeed';
import type { Fault } from './faults';
import { Faults, type SetFault } from './faultSchedule';
import { type Gate, serve } from './gate';
import { IdempotencyKeys } from './idempotency';
import { createId } from './ids';
import { Ledger } from './ledger';
import { ManagementTokens } from './managementToken';
import { RateLimit } from './rateLimit';
import type { Seed } from './seed';
import { Store } from './store';
import { defaultSwitches, readSwitches, type Switches } from './switches';

export type { Call } from './calls';
export { createPool, type PoolSize } from './createPool';
export type { Execution, KickExecution, LinkExecution } from './executions';
export type { Fault } from './faults';
export type { FaultOptions, Faults, SetFault } from './faultSchedule';
export { parseJson, type RawJson, rawJson } from './rawJson';
export { readSeed } from './readSeed';
export type { IdentitiesForm, Seed, SeedApplication, SeedExtIdp, SeedIdentity, SeedUser } from './seed';
export type { StoredApplication } from './applications';
export type { Store, StoredUser } from './store';
export type { Switches } from './switches';

export interface StartOptions {
  /** Default '127.0.0.1'. */
  host?: string;
  /** Default 0: a free port. */
  port?: number;
  /** Default: a small pool of users, with the same ids at every start. */
  seed?: Seed;
  /** Default: see docs/emulator.md. */
  switches?: Partial<Switches>;
  /** Default: none. The keys are routes: the last part of a path, a full name such as `GET /api/v3/get-user`, or `*`. */
  faults?: Readonly<Record<string, Fault | readonly SetFault[]>>;
  /** Default: generated at every start. */
  accessKey?: AccessKey;
  /** Default: the id of the access key, as for the global key of a user pool. */
  userPoolId?: string;
  /** Default 300. The switch of this name. */
  qps?: number;
  /** Default `Math.random`. The source of random numbers for faults with a probability. */
  random?: () => number;
}

/** A running emulator of GenAuth's management API. */
export interface Emulator {
  /** The origin, such as `http://127.0.0.1:4010`. */
  readonly url: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly userPoolId: string;
  /** The user pool, with the writes that were executed. */
  readonly store: Store;
  /** Assign to a switch at any time. Each request reads them. */
  readonly switches: Switches;
  /** Set and clear faults at any time. Each request reads them. */
  readonly faults: Faults;
  /** Every request that arrived, oldest first. Beyond 20 000, the older half is dropped. */
  readonly calls: readonly Call[];
  /** Clears `calls` and the executions of the store. */
  clearCalls(): void;
  /** Stops listening and ends every connection, including those that hang. */
  close(): Promise<void>;
}

/**
 * Starts an emulator of GenAuth's V3 management API, with a user pool in memory, on a real socket.
 *
 * @throws {RangeError} A switch, a fault or the seed is invalid.
 * @throws {Error} The system's error, for example `EADDRINUSE` if the port is taken.
 * @see docs/emulator.md
 */
export async function startEmulator(options: StartOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, seed = BUILT_IN_SEED, random = Math.random } = options;
  const accessKey = options.accessKey ?? { accessKeyId: createId(), accessKeySecret: randomBytes(16).toString('hex') };
  const userPoolId = options.userPoolId ?? accessKey.accessKeyId;
  const switches: Switches = {
    ...defaultSwitches(),
    ...readSwitches({ ...options.switches, ...(options.qps === undefined ? {} : { qps: options.qps }) }),
  };
  const faults = new Faults(random);
  for (const [route, fault] of Object.entries(options.faults ?? {})) faults.set(route, fault);

  const store = new Store(seed);
  const tokens = new ManagementTokens();
  const calls = new Ledger<Call>(20_000);
  const closing = new AbortController();
  // Every call that is delayed adds a listener.
  setMaxListeners(0, closing.signal);
  const gate: Gate = {
    pool: { id: userPoolId, key: accessKey, store, switches, tokens, now: () => Date.now() + switches.clockOffsetMs },
    authenticator: new Authenticator(accessKey, userPoolId, tokens),
    rateLimit: new RateLimit(),
    idempotencyKeys: new IdempotencyKeys(),
    faults,
    calls,
    closing: closing.signal,
  };

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const served = request.url?.startsWith(CONTROL_PATH)
      ? control({ faults, switches }, request, response)
      : serve(gate, request, response);
    served.catch((error: unknown) => {
      // The client is gone or the emulator is closing, so that no response can be sent.
      if (request.socket.destroyed || closing.signal.aborted) return;
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(`the emulator failed: ${String(error)}\n`);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;

  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    ...accessKey,
    userPoolId,
    store,
    switches,
    faults,
    get calls() {
      return calls.entries;
    },
    clearCalls() {
      calls.clear();
      store.clearExecutions();
    },
    async close() {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Longer than common clients keep a connection, so that no client reuses a connection that was closed here. */
const KEEP_ALIVE_MS = 65_000;
