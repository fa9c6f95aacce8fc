import type { Emulator } from '../../src/emulator';
import { type Answer, type EntitiesAnswer, ENTITIES, representations, type Stack, startStack } from '../support/stack';
import type { Fault, Target } from './faultCase';
import type { Fixture } from './fixtures';
import { FaultProxy, type ProxiedRequest } from './proxy';
import * as responses from './responses';

/** A subgraph, an emulator, and a proxy between the two. */
export interface FaultStack {
  /** The GraphQL endpoint. */
  url: string;
  emulator: Emulator;
  proxy: FaultProxy;
  fixture: Fixture | undefined;
  /** Requests that run while something else is tested. They are awaited at the end. */
  background: Promise<unknown>[];
  ask: Stack['ask'];
  read: (userIds: readonly string[]) => Promise<Answer<EntitiesAnswer>>;
  unlink: (
    target: Target,
  ) => Promise<Answer<{ unlinkIdentity: { success: boolean; removed: { id: string }[] | null } | null }>>;
}

/** A user with two identities of one source, and one identity of another. */
export const USER = '6229ffa1c05e6bfcade3e3d1';
export const OTHER_USER = '6229ffa1c05e6bfcade3e3d2';
export const UNKNOWN_USER = '0'.repeat(24);
export const SOURCE = '62f20932716fbcc10d966ee5';

/** Makes `count` ids of users that GenAuth does not know. */
export function unknownUsers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `f${String(n).padStart(23, '0')}`);
}

export const isUnlink = ({ path }: ProxiedRequest): boolean => path === '/api/v3/unlink-identity';
export const isTokenRequest = ({ path }: ProxiedRequest): boolean => path === '/api/v3/get-management-token';
export const isRead = ({ method }: ProxiedRequest): boolean => method === 'GET';

const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!, $type: String) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId, type: $type) { success requestId apiCode removed { id } }
}`;

type Setup = Pick<Fault, 'env' | 'seed' | 'switches' | 'fixture'>;

/**
 * Runs a test on its own stack, so that circuit breaker, retry budget and pauses are those of a process that has just started.
 * Tests of this kind mostly wait, so that many can run concurrently.
 */
export async function withStack<Result>(
  { env, seed, switches, fixture: open }: Setup,
  run: (stack: FaultStack) => Promise<Result>,
): Promise<Result> {
  const proxy = await FaultProxy.start();
  const fixture = await open?.();
  const stack = await startStack({
    emulator: { qps: 0, ...(seed && { seed }), ...(switches && { switches }) },
    env: { GENAUTH_HOST: proxy.url, GENAUTH_MAX_QPS: '10000', ...fixture?.env, ...env },
  });
  proxy.target = stack.emulator.url;
  const background: Promise<unknown>[] = [];
  try {
    return await run({
      url: `${stack.subgraph.url}/graphql`,
      emulator: stack.emulator,
      proxy,
      fixture,
      background,
      ask: (query, variables) => stack.ask(query, variables, fixture?.headers),
      read: (userIds) => stack.ask(ENTITIES, representations(userIds), fixture?.headers),
      unlink: (target) => stack.ask(UNLINK, { ...target }, fixture?.headers),
    });
  } finally {
    // The proxy is closed first, so that requests without a response end.
    await proxy.close();
    await Promise.allSettled(background);
    await stack.close();
    await fixture?.close();
    checkNonces(proxy);
  }
}

/** GenAuth accepts a nonce once, so that two requests must never carry the same nonce. */
function checkNonces({ requests }: FaultProxy): void {
  const nonces = requests.flatMap(({ text }) => /^x-genauth-signature-nonce: *(\S+)/im.exec(text)?.[1] ?? []);
  if (new Set(nonces).size < nonces.length) throw new Error('a signature was used twice');
}

/** Lets the subgraph get a management token, and then makes GenAuth issue a newer one to another client. */
export async function outdateToken({ emulator, read }: FaultStack): Promise<void> {
  await read([OTHER_USER]);
  const { url, accessKeyId, accessKeySecret } = emulator;
  await fetch(`${url}/api/v3/get-management-token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ accessKeyId, accessKeySecret }),
  });
}

/** Starts a read whose call to GenAuth gets no response, and returns when that call is under way. */
export async function startHangingRead({ proxy, read, background }: FaultStack): Promise<void> {
  proxy.inject(isRead, responses.hang, { times: 1 });
  const before = proxy.requests.length;
  while (proxy.requests.length === before) {
    const reading = read([OTHER_USER]);
    background.push(reading);
    await Promise.race([reading, proxy.received(before + 1)]);
  }
}

/** Opens the circuit breaker, and then keeps its one probe without a response, so that it stays half-open. */
export async function openCircuitBreaker(stack: FaultStack): Promise<void> {
  stack.proxy.inject(isRead, responses.http(503));
  await stack.read(unknownUsers(1000));
  await startHangingRead(stack);
}
