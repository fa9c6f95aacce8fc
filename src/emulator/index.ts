import { randomBytes } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessKey } from '../genauth/signature';
import { Authenticator } from './authentication';
import type { Call } from './calls';
import { control, CONTROL_PATH } from './control';
import { type Fault, Faults, type SetFault } from './faults';
import { type Gate, serve } from './gate';
import { Ledger } from './ledger';
import { ManagementTokens } from './managementToken';
import { BUILT_IN_SEED } from './pool';
import { RateLimit } from './rateLimit';
import type { Seed } from './seed';
import { createId, Store } from './store';
import { DEFAULT_SWITCHES, readSwitches, type Switches } from './switches';

export type { Call } from './calls';
export type { Fault, FaultOptions, Faults, SetFault } from './faults';
export { createPool } from './pool';
export type { Seed, SeedExtIdp, SeedIdentity, SeedUser } from './seed';
export type { Execution, Store, StoredUser } from './store';
export type { Switches } from './switches';

export interface StartOptions {
  /** Default '127.0.0.1'. */
  host?: string;
  /** Default 0: a free one. */
  port?: number;
  /** Default: a small pool of nine users, with the same ids at every start. */
  seed?: Seed;
  /** Default: see `Switches`. */
  switches?: Partial<Switches>;
  /** Default: none. By route: the last part of its path, its full name, or `*`. */
  faults?: Readonly<Record<string, Fault | readonly SetFault[]>>;
  /** Default: made up at every start. */
  accessKey?: AccessKey;
  /** Default: the access key's id, as with a user pool's own key. */
  userPoolId?: string;
  /** Default 300. Short for the switch of this name. */
  qps?: number;
  /** Default `Math.random`. What faults with a probability draw from: 0 to 1, 1 excluded. */
  random?: () => number;
}

/** A running stand-in for GenAuth's management API. */
export interface Emulator {
  /** Its origin, such as `http://127.0.0.1:4010`. */
  readonly url: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly userPoolId: string;
  /** What is really linked to what. */
  readonly store: Store;
  /** Read at each request: assign to them at any time. */
  readonly switches: Switches;
  /** Read at each request: set and clear them at any time. */
  readonly faults: Faults;
  /** Every request to the API that arrived, oldest first; of more than 20 000 the older ones are forgotten. */
  readonly calls: readonly Call[];
  /** Forgets `calls` and the store's `executions`. */
  clearCalls(): void;
  /** Ends every connection, also those that hang, and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts a stand-in for GenAuth's V3 management API: the real wire over a real socket, with the behaviour where GenAuth is
 * silent as switches, and everything that can go wrong on the way as faults.
 *
 * @throws {RangeError} A switch, a fault or the seed is not what it can be.
 * @throws The system's error when the port is taken.
 * @see genauth-wire.md, section 9
 */
export async function startEmulator(options: StartOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, seed = BUILT_IN_SEED, random = Math.random } = options;
  const accessKey = options.accessKey ?? { accessKeyId: createId(), accessKeySecret: randomBytes(16).toString('hex') };
  const userPoolId = options.userPoolId ?? accessKey.accessKeyId;
  const switches: Switches = {
    ...DEFAULT_SWITCHES,
    ...readSwitches({ ...options.switches, ...(options.qps === undefined ? {} : { qps: options.qps }) }),
  };
  const faults = new Faults(random);
  for (const [route, fault] of Object.entries(options.faults ?? {})) faults.set(route, fault);

  const store = new Store(seed);
  const tokens = new ManagementTokens();
  const calls = new Ledger<Call>(20_000);
  const closing = new AbortController();
  // Every call that waits listens to it.
  setMaxListeners(0, closing.signal);
  const gate: Gate = {
    pool: { id: userPoolId, key: accessKey, store, switches, tokens, now: () => Date.now() + switches.clockOffsetMs },
    authenticator: new Authenticator(accessKey, userPoolId, tokens),
    rateLimit: new RateLimit(),
    faults,
    calls,
    closing: closing.signal,
  };

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const served = request.url?.startsWith(CONTROL_PATH)
      ? control({ faults, switches }, request, response)
      : serve(gate, request, response);
    served.catch((error: unknown) => {
      // The caller went away, or the emulator is closing: nobody is left to tell.
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

// Longer than any sensible client's, as a balancer's is: a client that reuses a connection in time never finds it ended.
const KEEP_ALIVE_MS = 65_000;
