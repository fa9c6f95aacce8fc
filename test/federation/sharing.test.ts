import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type ApolloServerPlugin } from '@apollo/server';
import { createPool } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { describeWith } from '../support/optional';
import { ROOT } from '../support/process';
import { ask, type Stack, startStack, userIdsOf } from '../support/stack';
import { type Opened, type ServerContext, startUsers } from '../support/supergraph';
import { startApolloGateway } from './apolloGateway';
import { type Gateway, grafbase, hiveEngine, hiveGateway, type Subgraphs } from './gateways';
import { type Recorder, startRecorder } from './recorder';

const FOLDER = join(ROOT, 'test/federation/gateways');
const USER = 'query ($id: ID!) { user(id: $id) { id name identities { provider } } }';
const NAME = 'query ($id: ID!) { user(id: $id) { id name } }';

let issuer: Issuer;
let stack: Stack;
let users: Opened;
let usersRecorder: Recorder;
let recorder: Recorder;
let own: string;
let other: string;

beforeAll(async () => {
  issuer = await startIssuer();
  stack = await startStack({ issuer, emulator: { seed: createPool({ users: 2, identitiesPerUser: 2 }) } });
  [own = '', other = ''] = userIdsOf(stack.emulator);
  users = await startUsers([own, other]);
  usersRecorder = await startRecorder(users.url);
  recorder = await startRecorder(`${stack.subgraph.url}/graphql`);
});
afterAll(async () => {
  await Promise.all([usersRecorder.close(), recorder.close()]);
  await users.close();
  await stack.close();
  await issuer.close();
});
beforeEach(() => {
  usersRecorder.requests.splice(0);
  recorder.requests.splice(0);
});

/** Sends a query about the first user, as a user. @returns The number of identities, null for none, and the codes of errors. */
async function send(
  { url }: Opened,
  query: string,
  sub: string,
): Promise<{ identities: number | null; codes: unknown[] }> {
  const headers = { authorization: `Bearer ${tokenOf(sub)}` };
  const { data, errors } = await ask<{ user: { identities?: object[] | null } }>(url, query, { id: own }, headers);
  return {
    identities: data?.user.identities?.length ?? null,
    codes: errors.map(({ extensions }) => extensions['code']),
  };
}

const tokens = new Map<string, string>();

/** Returns the same token for each request of a user, as a client does until it expires. */
function tokenOf(sub: string): string {
  const token = tokens.get(sub) ?? issuer.token({ sub });
  tokens.set(sub, token);
  return token;
}

const OWN = { identities: 2, codes: [] };
const FORBIDDEN = { identities: null, codes: ['FORBIDDEN'] };

const deduplicating: readonly Gateway[] = [hiveEngine, grafbase, hiveGateway];

for (const gateway of deduplicating) {
  describeWith(gateway.isInstalled, gateway.isAvailable)(`deduplication by ${gateway.name}`, () => {
    let router: Opened;

    beforeAll(async () => {
      router = await gateway.start({ users: usersRecorder.url, identities: recorder.url });
      stack.emulator.faults.set('get-user-batch', 'latency:500');
    });
    afterAll(async () => {
      stack.emulator.faults.clear();
      await router.close();
    });

    test('shares a response between requests of one caller, and never between two callers', async () => {
      const responses = await Promise.all([own, own, own].map((sub) => send(router, USER, sub)));
      expect(responses).toEqual([OWN, OWN, OWN]);
      expect(recorder.requests.length).toBeLessThan(3);
      recorder.requests.splice(0);
      const mixed = await Promise.all([own, other, own, other].map((sub) => send(router, USER, sub)));
      expect(mixed).toEqual([OWN, FORBIDDEN, OWN, FORBIDDEN]);
      const callers = new Set(recorder.requests.map(({ headers }) => headers.authorization));
      expect(callers).toEqual(new Set([own, other].map((sub) => `Bearer ${tokenOf(sub)}`)));
    });
  });
}

const hasCache = existsSync(join(FOLDER, 'node_modules/@apollo/server-plugin-response-cache'));

/** Starts `@apollo/gateway` with a cache of whole responses, which all callers share as far as `Cache-Control` allows it. */
function startCachingGateway(subgraphs: Subgraphs): Promise<Opened> {
  const { default: responseCache } = createRequire(join(FOLDER, 'package.json'))(
    '@apollo/server-plugin-response-cache',
  ) as { default: () => ApolloServerPlugin<ServerContext> };
  return startApolloGateway(subgraphs, { honorSubgraphCacheControlHeader: true }, [responseCache()]);
}

describeWith(hasCache)('a cache in @apollo/gateway (needs npm ci in test/federation/gateways)', () => {
  let router: Opened;

  beforeAll(async () => {
    router = await startCachingGateway({ users: usersRecorder.url, identities: recorder.url });
  });
  afterAll(() => router.close());

  test('keeps responses of a subgraph that permits it, and none of this subgraph', async () => {
    for (const sub of [own, other]) await send(router, NAME, sub);
    expect(usersRecorder.requests).toHaveLength(1);
    const responses = [];
    for (const sub of [own, other, own]) responses.push(await send(router, USER, sub));
    expect(responses).toEqual([OWN, FORBIDDEN, OWN]);
    expect(recorder.requests).toHaveLength(3);
  });
});
