import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { type Main, startMain } from '../support/main';
import { describeWith } from '../support/optional';
import { ask, ROUTER_SECRET, UNLINK, type UnlinkAnswer } from '../support/stack';
import { type Opened, startUsers } from '../support/supergraph';
import { GATEWAYS } from './gateways';
import { type Service, startService } from './service';

const ENV = { AUTH_MODE: 'router', ROUTER_SECRETS: ROUTER_SECRET, GENAUTH_MAX_QPS: '100000', DRAIN_DELAY_MS: '300' };
const CLIENTS = 20;
const ACKED_PER_ROUND = 60;
/** More often in the gate, and fewer times on a developer's machine. */
const RESTARTS = process.env['REQUIRE_ALL_TESTS'] === '1' ? 4 : 2;

for (const gateway of GATEWAYS) {
  describeWith(gateway.isInstalled, gateway.isAvailable)(`replacing the process behind ${gateway.name}`, () => {
    let emulator: Emulator;
    let service: Service;
    let users: Opened;
    let router: Opened;

    beforeAll(async () => {
      emulator = await startEmulator({ seed: createPool({ users: 10_000, identitiesPerUser: 1 }), qps: Infinity });
      emulator.faults.set('unlink-identity', 'latency:20');
      service = await startService();
      users = await startUsers([]);
      router = await gateway.start({ users: users.url, identities: `${service.url}/graphql` });
    });
    afterAll(async () => {
      await router.close();
      await Promise.all([users.close(), service.close(), emulator.close()]);
    });

    test('loses no unlink and executes none twice, under load', async () => {
      const targets = emulator.store.users().map(({ profile, identities }) => ({
        userId: profile.userId,
        extIdpId: identities[0]?.extIdpId ?? '',
      }));
      const acked = new Set<string>();
      const load = new AbortController();
      /** Unlinks one user after another. A request whose response is no payload is not sent again. */
      const client = async (): Promise<void> => {
        for (let target = targets.pop(); target !== undefined && !load.signal.aborted; target = targets.pop()) {
          const { data } = await ask<UnlinkAnswer>(router.url, UNLINK, target);
          if (data?.unlinkIdentity?.success === true) acked.add(target.userId);
        }
      };
      let replica: Main = await startMain(emulator, ENV);
      service.routeTo(replica);
      const clients = Promise.all(Array.from({ length: CLIENTS }, client));
      for (let round = 0; round < RESTARTS; round++) {
        const next = await startMain(emulator, ENV);
        const before = acked.size;
        while (acked.size < before + ACKED_PER_ROUND) await new Promise((resolve) => setTimeout(resolve, 10));
        service.routeTo(next);
        expect(await replica.stop('SIGTERM')).toBe(0);
        replica = next;
      }
      load.abort();
      await clients;
      expect(await replica.stop('SIGTERM')).toBe(0);
      const executed = emulator.store.executions.map(({ userId }) => userId);
      expect(acked.size).toBeGreaterThanOrEqual(RESTARTS * ACKED_PER_ROUND);
      // Each executed unlink was executed once, and its client got the payload.
      expect(executed.sort()).toEqual([...acked].sort());
    }, 120_000);
  });
}
