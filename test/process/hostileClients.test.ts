import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createPool } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Main, startMain } from '../support/main';
import { ROOT, type Running, run } from '../support/process';
import { readStartOptions } from '../support/start';
import { ask, credentials, type EntitiesAnswer, post, representations, strictEnv } from '../support/stack';

/** How long the clients run. The gate runs the short form. */
const SECONDS = Number(process.env['HOSTILE_SECONDS'] ?? 5);
const HONEST_CLIENTS = 50;
const MAX_RESIDENT_MIB = 512;

const PAGE = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on User { id identities { id extIdpId provider type } } }
}`;
const PROFILES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on User { identities { userInfoInIdp } } }
}`;
/** 225 fields for each user. */
const COSTLY = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ...Outer }
}
fragment Outer on User { ${Array.from({ length: 15 }, (_, index) => `a${index}: identities { ...Inner }`).join(' ')} }
fragment Inner on Identity { ${Array.from({ length: 15 }, (_, index) => `b${index}: id`).join(' ')} }`;

describe('hostile clients', () => {
  let issuer: Issuer;
  let emulator: Running;
  let ids: string[];
  let main: Main;
  let folder: string;
  const over = new AbortController();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hostile-'));
    issuer = await startIssuer();
    const seed = createPool({ users: 1_000, identitiesPerUser: 3 });
    const large = createPool({ users: 1_005, identitiesPerUser: 1, photoKiB: 4_400 }).users.slice(1_000);
    const users = [...seed.users, ...large];
    ids = users.map(({ id }) => id ?? '');
    const seedFile = join(folder, 'seed.json');
    writeFileSync(seedFile, JSON.stringify({ ...seed, users }));
    // A process of its own, so that it does not compete with the clients.
    emulator = run(['dist/emulator/main.js', '--port', '0', '--seed', seedFile, '--switch', 'qps=0']);
    const valueOf = async (name: string): Promise<string> =>
      (await emulator.waitFor(new RegExp(`^${name}=(.*)$`, 'm')))[1] ?? '';
    main = await startMain(
      {
        url: await valueOf('GENAUTH_HOST'),
        accessKeyId: await valueOf('GENAUTH_ACCESS_KEY_ID'),
        accessKeySecret: await valueOf('GENAUTH_ACCESS_KEY_SECRET'),
      },
      { ...strictEnv(issuer), AUDIT_LOG: join(folder, 'audit.log'), LOG_LEVEL: 'info' },
      ['--max-old-space-size=256', ...readStartOptions(ROOT)],
    );
    // From here on, the pipe of stdout fills, and nothing reads it.
    main.child.stdout.pause();
  });
  afterAll(async () => {
    main.child.stdout.resume();
    await main.stop();
    await emulator.stop();
    await issuer.close();
    rmSync(folder, { recursive: true });
  });

  const headersOf = (claims: Record<string, unknown>) => credentials(issuer.token(claims));
  const resident = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${main.child.pid}/status`, 'utf8'))?.[1]) / 1024;

  /** Repeats a step until the time is up. A step that fails is what a hostile client deserves. */
  async function repeat(step: () => Promise<unknown>): Promise<void> {
    while (!over.signal.aborted) {
      await step().catch(() => undefined);
      await pause(5);
    }
  }

  /** Requests users, and does not look at the response. */
  async function postAndDiscard(
    query: string,
    users: readonly string[],
    headers: Record<string, string>,
  ): Promise<void> {
    const response = await post(`${main.url}/graphql`, { query, variables: representations(users) }, headers);
    await response.arrayBuffer();
  }

  /** Sends bytes on a connection of its own, and never reads the response. */
  function sendAndStall(bytes: string): Promise<void> {
    return new Promise((resolve) => {
      const { hostname, port } = new URL(main.url);
      const socket: Socket = connect(Number(port), hostname, () => socket.write(bytes));
      socket.pause();
      socket.on('error', () => undefined);
      socket.once('close', () => resolve());
      setTimeout(() => socket.destroy(), 3_000);
    });
  }

  function rawRequest(headers: Record<string, string>, body: string, length = Buffer.byteLength(body)): string {
    const lines = Object.entries({ ...headers, 'content-type': 'application/json', 'content-length': String(length) });
    return `POST /graphql HTTP/1.1\r\nhost: a\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
  }

  test(
    'do not make a request of an honest client fail, nor the memory of the process grow beyond a bound',
    async () => {
      const honestIds = ids.slice(0, 900);
      const largeIds = ids.slice(1_000);
      const url = `${main.url}/graphql`;
      const reader = headersOf({ sub: 'operator', scope: 'identity:read' });
      const nobody = headersOf({ sub: 'f'.repeat(24), scope: '' });
      const all = JSON.stringify({ query: PAGE, variables: representations(ids.slice(0, 500)) });
      const hostile = [
        ...times(3, () => postAndDiscard(PROFILES, largeIds, reader)),
        ...times(2, () => postAndDiscard(COSTLY, ids.slice(0, 1_000), reader)),
        ...times(2, () => postAndDiscard(COSTLY, ids.slice(0, 400), nobody)),
        ...times(40, () => sendAndStall(rawRequest(reader, all))),
        ...times(100, () => sendAndStall(rawRequest(reader, 'x'.repeat(60_000), 200_000))),
        ...times(100, () => sendAndStall(rawRequest({}, '{"query":"{ __typename }"}'))),
        ...times(20, () => sendAndStall('POST /graphql HTTP/1.1\r\n')),
      ].map(repeat);
      const failures: unknown[] = [];
      let served = 0;
      let peak = 0;
      const honest = Array.from({ length: HONEST_CLIENTS }, async (_, client) => {
        while (!over.signal.aborted) {
          const some = Array.from(
            { length: 5 },
            (_user, index) => honestIds[(client * 17 + index * 31 + served) % 900] ?? '',
          );
          const answer = await ask<EntitiesAnswer>(url, PAGE, representations(some), reader).catch(
            (error: unknown) => error,
          );
          if (isServed(answer, some)) served++;
          else failures.push(answer);
          await pause(50);
        }
      });
      const end = performance.now() + SECONDS * 1_000;
      while (performance.now() < end) {
        peak = Math.max(peak, resident());
        await pause(100);
      }
      over.abort();
      await Promise.all([...honest, ...hostile]);
      expect(failures).toEqual([]);
      expect(served).toBeGreaterThanOrEqual(HONEST_CLIENTS);
      expect(peak).toBeLessThan(MAX_RESIDENT_MIB);
      process.stdout.write(`honest requests served: ${served}; resident at most: ${Math.round(peak)} MiB\n`);
    },
    (SECONDS + 60) * 1_000,
  );
});

function times(count: number, step: () => Promise<unknown>): (() => Promise<unknown>)[] {
  return Array.from({ length: count }, () => step);
}

function isServed(answer: unknown, userIds: readonly string[]): boolean {
  const { data, errors } = answer as { data?: EntitiesAnswer; errors?: readonly unknown[] };
  const entities = data?._entities ?? [];
  return errors?.length === 0 && entities.map((user) => user?.id).join() === userIds.join();
}
