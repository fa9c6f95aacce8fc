import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FaultProxy, type Matches } from '../faults/proxy';
import * as responses from '../faults/responses';
import { isUnlink } from '../faults/stack';
import { apolloGateway, type Gateway, hiveEngine } from '../federation/gateways';
import { type Issuer, startIssuer } from '../support/issuer';
import { describeWith } from '../support/optional';
import { startStack } from '../support/stack';
import { startUsers } from '../support/supergraph';
import { type Played, type Situation, SITUATIONS, SOURCES, userOf } from './situations';
import { writeSnippets } from './snippets';
import { startUnreliableNetwork } from './unreliableNetwork';

const CLIENTS = ['apollo', 'urql', 'graphql-request', 'fetch', 'tanstack'] as const;
/** The clients without a cache, which leave the list to the page. */
const UNCACHED: readonly string[] = ['graphql-request', 'fetch'];

/** One user for each client and situation, so that one stack serves them all. */
const cases = CLIENTS.flatMap((client) => SITUATIONS.map((situation) => ({ client, situation }))).map(
  (each, number) => ({
    ...each,
    user: userOf(each.situation, number),
  }),
);
/** A user who tries to disconnect an account of another user. */
const bystander = userOf({}, cases.length);

/** What the page shows of a user with two accounts. */
const BOTH = {
  view: 'accounts',
  name: expect.stringMatching(/^user a/),
  accounts: SOURCES.map(({ id, name }) => ({
    extIdpId: id,
    name,
    labels: [expect.stringMatching(/^Ada \d+$/)],
    blockedBy: null,
  })),
};

function tokenOf(issuer: Issuer, { caller }: Situation, userId: string): string {
  if (caller === 'expired') return issuer.token({ sub: userId, exp: Math.floor(Date.now() / 1000) - 3600 });
  return issuer.token({ sub: caller === 'another user' ? bystander.id : userId });
}

/** Reads of several users share a call, so that a fault of one user may change only that user's row. */
function injectFaults(proxy: FaultProxy): void {
  const isUnlinkOf =
    ({ id }: { id: string }): Matches =>
    (request) =>
      isUnlink(request) && request.text.includes(id);
  const changeRows = responses.batch((rows) =>
    rows.map((row) => {
      const found = cases.find(({ user }) => user.id === row['userId']);
      const wasUnlinked = found !== undefined && proxy.requests.some((each) => isUnlinkOf(found.user)(each, []));
      return found?.situation.changeRow?.(row, wasUnlinked) ?? row;
    }),
  );
  proxy.inject(({ path }) => path === '/api/v3/get-user-batch', changeRows, { executed: true });
  for (const { situation, user } of cases) {
    const { respond, ...options } = situation.onUnlink ?? {};
    if (respond !== undefined) proxy.inject(isUnlinkOf(user), respond, options);
  }
}

/** Plays all situations with all clients: one client after another, each in a process, with its situations concurrently. */
async function play(gateway: Gateway) {
  const closers: (() => unknown)[] = [];
  const opened = <Closed extends { close(): unknown }>(each: Closed): Closed => {
    closers.unshift(() => each.close());
    return each;
  };
  try {
    const folder = writeSnippets();
    closers.unshift(() => rmSync(folder, { recursive: true }));
    const issuer = opened(await startIssuer());
    const proxy = opened(await FaultProxy.start());
    const { emulator, subgraph } = opened(
      await startStack({
        issuer,
        emulator: { qps: 0, seed: { extIdps: [...SOURCES], users: [bystander, ...cases.map(({ user }) => user)] } },
        env: { GENAUTH_HOST: proxy.url, GENAUTH_READ_TIMEOUT_MS: '9000' },
      }),
    );
    proxy.target = emulator.url;
    injectFaults(proxy);
    const users = opened(await startUsers([]));
    const router = opened(await gateway.start({ users: users.url, identities: `${subgraph.url}/graphql` }));
    const losses = cases.flatMap(({ situation, user }) => (situation.loss ? [[user.id, situation.loss] as const] : []));
    const network = opened(await startUnreliableNetwork(router.url, new Map(losses)));
    const plays = [];
    for (const client of CLIENTS) {
      const situations = cases
        .filter((each) => each.client === client)
        .map(({ situation, user }) => ({
          name: situation.name,
          token: tokenOf(issuer, situation, user.id),
          userId: user.id,
          extIdpId: SOURCES[0].id,
        }));
      // With this condition Apollo Client prints its warnings.
      const args = [
        '--conditions=development',
        join(__dirname, 'play.mjs'),
        folder,
        client,
        network.url,
        JSON.stringify(situations),
      ];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
      plays.push({ client, stderr, played: JSON.parse(stdout) as Played[] });
    }
    return { plays, unlinks: network.unlinks };
  } finally {
    for (const close of closers) await close();
  }
}

const isInstalled = existsSync(join(__dirname, 'node_modules'));

const GATEWAYS = [apolloGateway, hiveEngine];
/** What is being played, behind all gateways at the same time: the tests mostly wait. */
const playing = new Map<Gateway, ReturnType<typeof play>>();

for (const gateway of GATEWAYS) {
  const title = `a page (needs npm ci in test/clients) behind ${gateway.name}`;
  describeWith(isInstalled && gateway.isInstalled)(title, () => {
    let results: Awaited<ReturnType<typeof play>>;

    beforeAll(async () => {
      for (const each of GATEWAYS) {
        if (!each.isInstalled || playing.has(each)) continue;
        playing.set(each, play(each));
        // A failure is reported where the result is awaited.
        playing.get(each)?.catch(() => undefined);
      }
      results = await (playing.get(gateway) ?? play(gateway));
    }, 180_000);

    describe.each(CLIENTS)('with %s', (client) => {
      test.each(SITUATIONS.map((each) => [each.name, each] as const))('shows %s', (name, situation) => {
        const played = results.plays.find((each) => each.client === client)?.played.find((each) => each.name === name);
        const { view = BOTH, judgement, isShown, left, settled, later } = situation;
        expect(played).toEqual({
          name,
          view,
          judgement,
          ...(isShown !== undefined && !UNCACHED.includes(client) && { isShown }),
          ...(left !== undefined && !UNCACHED.includes(client) && { left }),
          ...(isShown === false && client === 'fetch' && { signedOut: expect.objectContaining({ kind: 'done' }) }),
          ...(settled !== undefined && { settled }),
          ...(later !== undefined && { later }),
        });
      });

      test('prints no warning, and sends each unlink once, also if its response was lost', () => {
        expect(results.plays.find((each) => each.client === client)?.stderr).toBe('');
        const sent = cases.filter((each) => each.client === client && each.situation.later === undefined);
        expect(sent.map(({ user }) => results.unlinks.get(user.id))).toEqual(sent.map(() => 1));
      });
    });
  });
}
