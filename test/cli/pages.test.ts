import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { apolloGateway } from '../federation/gateways';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Main, startMain } from '../support/main';
import { ask, strictEnv } from '../support/stack';
import { type Opened, startUsers } from '../support/supergraph';
import { type Ended, SCOPES, start } from './cli';

/** How long pages are read, without and with a run. The figures in docs/admin.md are of `PAGE_SECONDS=30`. */
const SECONDS = Number(process.env['PAGE_SECONDS'] ?? 4);
const READS_PER_SECOND = 20;
const RATE = 150;
const SOURCE = 'e'.padEnd(24, '0');

const PAGE = `query ($id: ID!) {
  user(id: $id) { id name identities { id extIdpId type label isLastWayToSignIn unlinkBlockedBy source { name logo } } }
}`;

describe(`${READS_PER_SECOND} reads of pages per second beside a run with --rate ${RATE}`, () => {
  let folder: string;
  let issuer: Issuer;
  let emulator: Emulator;
  let subgraph: Main;
  let users: Opened;
  let gateway: Opened;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pages-'));
    issuer = await startIssuer();
    // The rate limit of GenAuth, and that of the subgraph, are the documented ones.
    emulator = await startEmulator({ seed: createPool({ users: RATE * SECONDS + 1_000, identitiesPerUser: 2 }) });
    emulator.faults.set('*', 'latency:20');
    subgraph = await startMain(emulator, { ...strictEnv(issuer), AUDIT_LOG: join(folder, 'audit.log') });
    users = await startUsers([]);
    gateway = await apolloGateway.start({ users: users.url, identities: `${subgraph.url}/graphql` });
  }, 60_000);
  afterAll(async () => {
    await gateway.close();
    await subgraph.stop('SIGKILL');
    await Promise.all([users.close(), emulator.close(), issuer.close()]);
    await rm(folder, { recursive: true });
  });

  interface Reads {
    failed: number;
    ms: number[];
  }

  /** Reads a page of another user each time, as many per second as pages are opened, whatever the responses take. */
  async function readPages(ids: readonly string[]): Promise<Reads> {
    const reads: Reads = { failed: 0, ms: [] };
    const headers = { authorization: `Bearer ${issuer.token({ sub: undefined, scope: 'identity:read' })}` };
    const startedAt = performance.now();
    const pending: Promise<void>[] = [];
    const read = async (id = ''): Promise<void> => {
      const from = performance.now();
      const answer = await ask<{ user: { identities: object[] | null } }>(gateway.url, PAGE, { id }, headers);
      reads.ms.push(performance.now() - from);
      if (answer.errors.length > 0 || answer.data?.user.identities?.length !== 2) reads.failed++;
    };
    for (let count = 0; count < SECONDS * READS_PER_SECOND; count++) {
      await pause(startedAt + (count * 1_000) / READS_PER_SECOND - performance.now());
      pending.push(read(ids[count % ids.length]));
    }
    await Promise.all(pending);
    return reads;
  }

  function figuresOf({ failed, ms }: Reads): Record<string, number> {
    const sorted = ms.sort((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.floor(share * sorted.length)] ?? NaN);
    return { reads: ms.length, failed, p50: at(0.5), p99: at(0.99) };
  }

  test('none of them fails', async () => {
    const ids = emulator.store.users().map(({ profile }) => profile.userId);
    const pages = ids.slice(0, 500);
    const path = join(folder, 'users');
    await writeFile(path, `${ids.slice(500).join('\n')}\n`);
    await readPages(pages.slice(0, 20));
    const without = await readPages(pages);

    const token = issuer.token({ sub: undefined, scope: SCOPES });
    const args = ['unlink', '--source', SOURCE, '--from', path, '--yes', '--rate', String(RATE)];
    const { child, ended } = start(args, { IDENTITIES_URL: gateway.url, IDENTITIES_TOKEN: token });
    let last: Ended | undefined;
    void ended.then((each) => (last = each));
    while (emulator.store.executions.length < 10) await pause(20);
    const before = emulator.store.executions.length;
    const beside = await readPages(pages);
    const executed = emulator.store.executions.length - before;
    expect(last).toBeUndefined();
    child.kill('SIGINT');
    const { summary } = await ended;

    expect([without.failed, beside.failed]).toEqual([0, 0]);
    expect(executed).toBeGreaterThan(0);
    expect(summary['unlinked']).toBe(emulator.store.executions.length);
    if (process.env['PAGE_SECONDS'] !== undefined) {
      const figures = { without: figuresOf(without), beside: figuresOf(beside), unlinksPerSecond: executed / SECONDS };
      process.stdout.write(`${JSON.stringify(figures)}\n`);
    }
  }, 300_000);
});
