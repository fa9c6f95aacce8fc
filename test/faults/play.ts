import { channel } from 'node:diagnostics_channel';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from '../support/stack';
import type { Fault, ReadResult, Target, UnlinkResult } from './faultCase';
import type { ProxiedRequest } from './proxy';
import { type FaultStack, isRead, isTokenRequest, isUnlink, SOURCE, USER, withStack } from './stack';

/** Every extension that an error may have. */
const EXTENSIONS = ['code', 'validationErrorCode', 'outcome', 'retryAfterMs', 'apiCode', 'requestId', 'operationId'];

/**
 * Reads users while a fault lasts. `identities` in the result means that they equal what the emulator stores.
 *
 * @param times Default: unlimited. Number of requests that meet the fault.
 */
export async function playRead(fault: Fault, times = Infinity): Promise<ReadResult> {
  const users = fault.users ?? [USER];
  return withFault(fault, async (stack, startCounting) => {
    if (fault.response !== undefined) {
      // GenAuth executes the read, so that `response` can change GenAuth's own response.
      stack.proxy.inject(fault.matches ?? isRead, fault.response, { executed: true, times });
    }
    const counted = startCounting();
    const { status, data, errors } = await stack.read(users);
    checkExtensions(errors);
    const { requests, ...connects } = counted();
    const gets = users.map((userId, index) => {
      const error = errors.find(({ path }) => path === undefined || path[1] === index);
      if (error !== undefined) return codeOf(status, error);
      const entity = data?._entities[index];
      if (entity === null || entity === undefined) return String(entity);
      const ids = entity.identities?.map(({ id, extIdpId, type }) => `${id} ${extIdpId} ${type}`);
      const stored = stack.emulator.store
        .identitiesOf(userId)
        .map((row) => `${row.identityId} ${row.extIdpId} ${row.type}`);
      return JSON.stringify(ids) === JSON.stringify(stored) ? 'identities' : 'wrong identities';
    });
    return { gets: countNeighbours(gets), calls: requests.length, ...connects };
  });
}

/** The result of an unlink, and what the emulator's store shows after it. */
export interface UnlinkReport extends UnlinkResult {
  /** How often GenAuth executed the unlink. */
  executions: number;
  /** Whether none of the identities that were to be unlinked is left. */
  gone: boolean;
  /** Whether all identities in `removed` were linked before, and are gone. Null: the response has no such list. */
  areRemovedGone: boolean | null;
}

/**
 * Unlinks an identity while a fault lasts.
 *
 * @param executed Whether GenAuth executes the requests whose responses are replaced.
 */
export async function playUnlink(fault: Fault, executed: boolean): Promise<UnlinkReport> {
  const target: Target = { userId: USER, extIdpId: SOURCE, type: 'openid', ...fault.target };
  return withFault(fault, async (stack, startCounting) => {
    if (fault.response !== undefined) stack.proxy.inject(fault.matches ?? isUnlink, fault.response, { executed });
    const { store } = stack.emulator;
    const idsOf = (): string[] => store.identitiesOf(target.userId).map(({ identityId }) => identityId);
    const linked = idsOf();
    const counted = startCounting();
    const { status, data, errors } = await stack.unlink(target);
    checkExtensions(errors);
    const { requests, ...connects } = counted();
    const [error] = errors;
    const gets = error === undefined ? `success: ${data?.unlinkIdentity?.success}` : codeOf(status, error);
    const outcome = error?.extensions['outcome'] as UnlinkResult['outcome'];
    const removed = data?.unlinkIdentity?.removed ?? null;
    return {
      gets,
      ...(outcome === undefined ? {} : { outcome }),
      posts: requests.filter(({ method }) => method === 'POST').length,
      reads: requests.filter(isRead).length,
      ...connects,
      executions: store.executions.length,
      gone: !store
        .identitiesOf(target.userId)
        .some((row) => row.extIdpId === target.extIdpId && (target.type ?? row.type) === row.type),
      areRemovedGone: removed?.every(({ id }) => linked.includes(id) && !idsOf().includes(id)) ?? null,
    };
  });
}

/** What has reached GenAuth, and how many connections failed. `connects` is absent if none failed. */
interface Counts {
  /** Without those for a management token. */
  requests: readonly ProxiedRequest[];
  connects?: number;
}

async function withFault<Result>(
  fault: Fault,
  play: (stack: FaultStack, startCounting: () => () => Counts) => Promise<Result>,
): Promise<Result> {
  return withStack(fault, async (stack) => {
    const connections = watchConnections(stack.fixture?.env['GENAUTH_HOST']);
    try {
      await fault.before?.(stack);
      return await play(stack, () => {
        const requestsBefore = stack.proxy.requests.length;
        return () => ({
          requests: stack.proxy.requests.slice(requestsBefore).filter((request) => !isTokenRequest(request)),
          ...(connections.count === 0 ? {} : { connects: connections.count }),
        });
      });
    } finally {
      connections.stop();
    }
  });
}

/** Counts undici's attempts to connect to an origin. Where nothing listens, no other record of them exists. */
function watchConnections(origin: string | undefined): { count: number; stop: () => void } {
  const connecting = channel('undici:client:beforeConnect');
  const counter = { count: 0, stop: () => connecting.unsubscribe(onConnect) };
  function onConnect(message: unknown): void {
    const { protocol, host } = (message as { connectParams: { protocol: string; host: string } }).connectParams;
    if (`${protocol}//${host}` === origin) counter.count++;
  }
  connecting.subscribe(onConnect);
  return counter;
}

/** Writes equal neighbours once, with their number: `120 × identities`. */
function countNeighbours(texts: readonly string[]): string[] {
  const runs: { text: string; count: number }[] = [];
  for (const text of texts) {
    const last = runs.at(-1);
    if (last?.text === text) last.count++;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => (count === 1 ? text : `${count} × ${text}`));
}

function codeOf(status: number, { extensions }: Answer['errors'][number]): string {
  const code = String(extensions['code']);
  return status === 200 ? code : `HTTP ${status} ${code}`;
}

function checkExtensions(errors: Answer['errors']): void {
  const names = errors.flatMap(({ extensions }) => Object.keys(extensions));
  const unexpected = names.filter((name) => !EXTENSIONS.includes(name));
  if (unexpected.length > 0) throw new Error(`an error has extensions that are not allowed: ${unexpected.join(', ')}`);
}

/** Plays cases concurrently, because most of them only wait. An error becomes the report of its case. */
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
      const tooLong = wait(CASE_TIMEOUT_MS, 'no response arrived', { signal: patience.signal });
      reports[index] = (await Promise.race([played, tooLong]).catch((error: unknown) => error)) as Report;
      patience.abort();
      tooLong.catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_CASES }, next));
  return reports;
}

const CONCURRENT_CASES = 24;
/** Longer than any case takes, also on a slow machine. */
const CASE_TIMEOUT_MS = 20_000;
