import { channel } from 'node:diagnostics_channel';
import { setTimeout as wait } from 'node:timers/promises';
import type { Emulator, Seed, Switches } from '../../src/emulator';
import { type Answer, type EntitiesAnswer, ENTITIES, representations, startStack } from '../support/stack';
import type { Place } from './places';
import { type Spoil, Wire, type WireRequest } from './wire';

/** A fault, and what follows from it. One row of docs/faults.md. */
export interface Fault {
  /** What happened. */
  name: string;
  making: Making;
  /** Null: cannot happen to a read. */
  read: ReadOutcome | null;
  /** `settled`: after one POST whose answer is lost or proves nothing, reading decides. Null: cannot happen to an unlink. */
  unlink: UnlinkOutcome | 'settled' | null;
}

/** How a fault is made. */
export interface Making {
  /** Environment variables of the subgraph. */
  env?: Record<string, string>;
  seed?: Seed;
  switches?: Partial<Switches>;
  /** What becomes of the answers to the calls in question: all the calls of a read, and the POST of an unlink. */
  spoil?: Spoil;
  /** Which calls it meets. Default: those in question. */
  meets?: (request: WireRequest) => boolean;
  /** How many of them. Default: all. */
  times?: number;
  /** Whether an unlink is executed before its answer is spoiled. Default: where the caller is told so. */
  executed?: boolean;
  /** Who stands where GenAuth should be, or what else has to be there first. */
  place?: () => Promise<Place>;
  /** What happened before, on the same stack. */
  before?: (scene: Scene) => Promise<unknown>;
  /** Whom the read asks about. Default: one user. */
  users?: readonly string[];
  /** What is unlinked. Default: everything of a source from which the user has two. */
  target?: Partial<Target>;
}

export interface ReadOutcome {
  /** By user: the identities, `null` for a user that GenAuth does not know, or the code of an error. */
  gets: readonly string[];
  /** Calls that reach GenAuth, apart from those for a management token. */
  calls: number;
  /** Connections that were tried and came to nothing. */
  tries?: number;
}

export interface UnlinkOutcome {
  /** A payload, or the code of an error. */
  gets: string;
  outcome?: 'NOT_EXECUTED' | 'UNKNOWN';
  /** Requests of it that reach GenAuth. */
  posts: number;
  /** Reads before and after. */
  reads: number;
  tries?: number;
}

export interface Target {
  userId: string;
  extIdpId: string;
  type?: string;
}

/** A subgraph, the emulator, and the wire between them. */
export interface Scene {
  /** Of the GraphQL endpoint. */
  url: string;
  emulator: Emulator;
  wire: Wire;
  place: Place | undefined;
  /** What is under way while something else is played, to be waited for at the end. */
  meanwhile: Promise<unknown>[];
  read: (userIds: readonly string[]) => Promise<Answer<EntitiesAnswer>>;
  unlink: (target: Target) => Promise<Answer<{ unlinkIdentity: { success: boolean } | null }>>;
  close(): Promise<void>;
}

/** Somebody with two identities of one source, and one of another. */
export const USER = '6229ffa1c05e6bfcade3e3d1';
export const OTHER_USER = '6229ffa1c05e6bfcade3e3d2';
export const UNKNOWN_USER = '0'.repeat(24);
export const SOURCE = '62f20932716fbcc10d966ee5';

export const isUnlink = ({ path }: WireRequest): boolean => path === '/api/v3/unlink-identity';
export const isTokenRequest = ({ path }: WireRequest): boolean => path === '/api/v3/get-management-token';
export const isRead = ({ method }: WireRequest): boolean => method === 'GET';

const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!, $type: String) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId, type: $type) { success requestId apiCode }
}`;

/** All that contract.md allows an error to tell. */
const EXTENSIONS = ['code', 'validationErrorCode', 'outcome', 'retryAfterMs', 'apiCode', 'requestId', 'operationId'];

/** Reads users while the fault is there. What is called identities has been compared with what GenAuth holds. */
export async function playRead({ making }: Fault, times = making.times): Promise<ReadOutcome> {
  const users = making.users ?? [USER];
  return onScene(making, async (scene, count) => {
    const { emulator, wire } = scene;
    // A read does nothing, so that GenAuth may as well have executed it: what comes back is spoiled.
    if (making.spoil !== undefined) {
      wire.spoil(making.meets ?? isRead, making.spoil, { executed: true, ...(times === undefined ? {} : { times }) });
    }
    const counted = count();
    const { status, data, errors } = await scene.read(users);
    checkErrors(errors);
    const { requests, tries } = counted();
    const calls = requests.filter((request) => !isTokenRequest(request)).length;
    const gets = users.map((userId, index) => {
      const error = errors.find(({ path }) => path === undefined || path[1] === index);
      if (error !== undefined) return codeOf(status, error);
      const entity = data?._entities[index];
      if (entity === null || entity === undefined) return String(entity);
      const ids = entity.identities?.map(({ id, extIdpId, type }) => `${id} ${extIdpId} ${type}`);
      const truth = emulator.store.identitiesOf(userId).map((row) => `${row.identityId} ${row.extIdpId} ${row.type}`);
      return JSON.stringify(ids) === JSON.stringify(truth) ? 'identities' : 'something untrue';
    });
    return { gets, calls, ...(tries === 0 ? {} : { tries }) };
  });
}

/** What an unlink came to, and what is true. */
export interface UnlinkReport extends UnlinkOutcome {
  executions: number;
  /** Whether nothing of what was to be unlinked is left. */
  gone: boolean;
}

/** Unlinks while the fault is there. @param executed Whether GenAuth executes what it gets before the answer is spoiled. */
export async function playUnlink(fault: Fault, executed = isExecuted(fault)): Promise<UnlinkReport> {
  const { making } = fault;
  const target: Target = { userId: USER, extIdpId: SOURCE, ...making.target };
  return onScene(making, async (scene, count) => {
    const { emulator, wire } = scene;
    if (making.spoil !== undefined) {
      const { times } = making;
      wire.spoil(making.meets ?? isUnlink, making.spoil, { executed, ...(times === undefined ? {} : { times }) });
    }
    const counted = count();
    const { status, data, errors } = await scene.unlink(target);
    checkErrors(errors);
    const { requests, tries } = counted();
    const [error] = errors;
    const gets = error === undefined ? `success: ${data?.unlinkIdentity?.success}` : codeOf(status, error);
    const outcome = error?.extensions['outcome'] as UnlinkOutcome['outcome'];
    return {
      gets,
      ...(outcome === undefined ? {} : { outcome }),
      posts: requests.filter((request) => request.method === 'POST' && !isTokenRequest(request)).length,
      reads: requests.filter(isRead).length,
      ...(tries === 0 ? {} : { tries }),
      executions: emulator.store.executions.length,
      gone: !emulator.store
        .identitiesOf(target.userId)
        .some((row) => row.extIdpId === target.extIdpId && (target.type ?? row.type) === row.type),
    };
  });
}

function isExecuted({ making, unlink }: Fault): boolean {
  return making.executed ?? (typeof unlink === 'object' && unlink?.gets === 'success: true');
}

/** Lets the subgraph get a management token, and then somebody else a newer one. */
export async function outdateToken({ emulator, read }: Scene): Promise<void> {
  await read([OTHER_USER]);
  const { url, accessKeyId, accessKeySecret } = emulator;
  await fetch(`${url}/api/v3/get-management-token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ accessKeyId, accessKeySecret }),
  });
}

/** Starts to count, and gives what was counted so far. */
type Count = () => () => { requests: readonly WireRequest[]; tries: number };

async function onScene<Result>(making: Making, play: (scene: Scene, count: Count) => Promise<Result>): Promise<Result> {
  return onStage(making, async (scene) => {
    const connections = countConnections(scene.place?.env['GENAUTH_HOST']);
    try {
      await making.before?.(scene);
      return await play(scene, () => {
        const requestsBefore = scene.wire.requests.length;
        return () => ({ requests: scene.wire.requests.slice(requestsBefore), tries: connections.tries });
      });
    } finally {
      connections.stop();
    }
  });
}

type Stage = Pick<Making, 'env' | 'seed' | 'switches' | 'place'>;

/** Plays on a stack of its own, so that what mostly waits can be played side by side. */
export async function onStage<Result>(stage: Stage, play: (scene: Scene) => Promise<Result>): Promise<Result> {
  const scene = await openScene(stage);
  try {
    return await play(scene);
  } finally {
    await scene.close();
    checkNonces(scene.wire);
  }
}

/** A whole stack of its own: breaker, budget and pauses are those of a process that has just started. */
async function openScene({ env, seed, switches, place: open }: Stage): Promise<Scene> {
  const wire = await Wire.start();
  const place = await open?.();
  const stack = await startStack({
    emulator: { qps: 0, ...(seed && { seed }), ...(switches && { switches }) },
    env: { GENAUTH_HOST: wire.url, GENAUTH_MAX_QPS: '10000', ...place?.env, ...env },
  });
  const { emulator, subgraph } = stack;
  wire.target = emulator.url;
  const meanwhile: Promise<unknown>[] = [];
  return {
    url: `${subgraph.url}/graphql`,
    emulator,
    wire,
    place,
    meanwhile,
    read: (userIds) => stack.ask(ENTITIES, representations(userIds), place?.headers),
    unlink: (target) => stack.ask(UNLINK, { ...target }, place?.headers),
    async close() {
      // First, so that nothing that hangs has to be waited for.
      await wire.close();
      await Promise.allSettled(meanwhile);
      await stack.close();
      await place?.close();
    },
  };
}

/** What undici tells of its connections: the only witness where nobody is there to be reached. */
function countConnections(origin: string | undefined): { tries: number; stop: () => void } {
  const connecting = channel('undici:client:beforeConnect');
  const counter = { tries: 0, stop: () => connecting.unsubscribe(onConnect) };
  function onConnect(message: unknown): void {
    const { protocol, host } = (message as { connectParams: { protocol: string; host: string } }).connectParams;
    if (`${protocol}//${host}` === origin) counter.tries++;
  }
  connecting.subscribe(onConnect);
  return counter;
}

function codeOf(status: number, { extensions }: Answer['errors'][number]): string {
  const code = String(extensions['code']);
  return status === 200 ? code : `HTTP ${status} ${code}`;
}

function checkErrors(errors: Answer['errors']): void {
  const told = errors.flatMap(({ extensions }) => Object.keys(extensions));
  const untold = told.filter((name) => !EXTENSIONS.includes(name));
  if (untold.length > 0) throw new Error(`an error tells what no error may tell: ${untold.join(', ')}`);
}

/** GenAuth takes a signature once, so that no two requests may carry the same, whatever became of the first. */
function checkNonces({ requests }: Wire): void {
  const nonces = requests.flatMap(({ text }) => /^x-genauth-signature-nonce: *(\S+)/im.exec(text)?.[1] ?? []);
  if (new Set(nonces).size < nonces.length) throw new Error('a signature was used twice');
}

/** Plays many, some at a time: most of them do nothing but wait. A failure to play is the report of that one alone. */
export async function playAll<Case, Report>(
  cases: readonly Case[],
  play: (one: Case) => Promise<Report>,
): Promise<Report[]> {
  const reports: Report[] = [];
  const left = [...cases.entries()];
  const next = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const [index, played] = [one[0], play(one[1])];
      const patience = new AbortController();
      const tooLong = wait(PATIENCE_MS, 'no answer came', { signal: patience.signal });
      reports[index] = (await Promise.race([played, tooLong]).catch((error: unknown) => error)) as Report;
      patience.abort();
      tooLong.catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return reports;
}

const AT_ONCE = 24;
/** Longer than anything here may take, on any machine. */
const PATIENCE_MS = 20_000;
