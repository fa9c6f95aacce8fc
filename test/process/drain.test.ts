import { Agent, request } from 'undici';
import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { startMain } from '../support/main';
import { UNLINK } from '../support/stack';

const ENV = { GENAUTH_MAX_QPS: '100000', DRAIN_DELAY_MS: '300' };
const CLIENTS = 50;
/** More often in the gate, and fewer times on a developer's machine. */
const RESTARTS = process.env['REQUIRE_ALL_TESTS'] === '1' ? 10 : 2;

interface Tally {
  acked: Set<string>;
  refused: number;
  /** Users whose request ended without a response. */
  unanswered: Set<string>;
}

describe('dist/main.js on SIGTERM', () => {
  let emulator: Emulator;
  let targets: { userId: string; extIdpId: string }[];

  beforeAll(async () => {
    emulator = await startEmulator({ seed: createPool({ users: 20_000, identitiesPerUser: 1 }), qps: Infinity });
    emulator.faults.set('unlink-identity', 'latency:20');
    targets = emulator.store.users().map(({ profile, identities }) => ({
      userId: profile.userId,
      extIdpId: identities[0]?.extIdpId ?? '',
    }));
  });
  afterAll(() => emulator.close());

  /** Sends one unlink after another over a pooled connection, until the port is closed. */
  async function hammer(url: string, tally: Tally): Promise<void> {
    const dispatcher = new Agent({ connections: 1, pipelining: 1 });
    for (let target = targets.pop(); target !== undefined; target = targets.pop()) {
      try {
        const { statusCode, body } = await request(`${url}/graphql`, {
          dispatcher,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: UNLINK, variables: target }),
        });
        const answer = (await body.json()) as { data?: { unlinkIdentity: { success: boolean } | null } };
        if (statusCode === 200 && answer.data?.unlinkIdentity?.success === true) tally.acked.add(target.userId);
        else tally.refused++;
        if (statusCode === 503) break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') break;
        tally.unanswered.add(target.userId);
      }
    }
    await dispatcher.close();
  }

  test(`leaves no executed unlink without a response in ${RESTARTS} restarts under the load of ${CLIENTS} clients`, async () => {
    const tally: Tally = { acked: new Set(), refused: 0, unanswered: new Set() };
    for (let round = 0; round < RESTARTS; round++) {
      const main = await startMain(emulator, ENV);
      const clients = Promise.all(Array.from({ length: CLIENTS }, () => hammer(main.url, tally)));
      const before = tally.acked.size;
      while (tally.acked.size < before + 100) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await main.stop('SIGTERM')).toBe(0);
      await clients;
      // As many intents as outcomes: no unlink was interrupted.
      const audited = (event: string) => main.output().split(`"event":"unlink.${event}"`).length - 1;
      expect(audited('intent')).toBeGreaterThan(99);
      expect(audited('outcome')).toBe(audited('intent'));
      // And a log line for each request, including the last.
      expect(main.output().split('"msg":"request"').length - 1).toBe(audited('intent'));
    }
    const executed = emulator.store.executions.map(({ userId }) => userId);
    expect(executed.filter((userId) => !tally.acked.has(userId))).toEqual([]);
    expect(executed).toHaveLength(tally.acked.size);
  }, 120_000);

  test('is not ready any more, ends connections with their next response, and ignores a second signal', async () => {
    const main = await startMain(emulator, { ...ENV, DRAIN_DELAY_MS: '1500' });
    main.child.kill('SIGTERM');
    await main.waitFor(/"msg":"stopping"/);
    main.child.kill('SIGTERM');
    const ready = await fetch(`${main.adminUrl}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'draining\n']);
    // Alive: a supervisor that restarted the process would interrupt the requests in flight.
    expect((await fetch(`${main.adminUrl}/livez`)).status).toBe(200);
    expect(await (await fetch(`${main.adminUrl}/metrics`)).text()).toMatch(/^draining 1$/m);
    const served = await fetch(`${main.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    });
    expect([served.status, served.headers.get('connection')]).toEqual([200, 'close']);
    await served.text();
    expect(await main.exited).toBe(0);
  });

  test('records the unlinks that it interrupts, and exits with 1', async () => {
    emulator.faults.set('unlink-identity', 'latency:5000');
    const main = await startMain(emulator, { ...ENV, DRAIN_DELAY_MS: '0', DRAIN_TIMEOUT_MS: '300' });
    const cutOff = hammer(main.url, { acked: new Set(), refused: 0, unanswered: new Set() });
    await main.waitFor(/"event":"unlink.intent"/);
    expect(await main.stop('SIGTERM')).toBe(1);
    expect(main.output()).toMatch(/"event":"unlink.outcome".*"outcome":"abandoned"/);
    await cutOff;
    emulator.faults.set('unlink-identity', 'latency:20');
  });
});
