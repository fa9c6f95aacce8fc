import { readFile } from 'node:fs/promises';
import { request as post } from 'node:http';
import { createPool } from '../../src/emulator';
import { auditTrail } from './fixtures';
import { type ProxiedRequest, write } from './proxy';
import * as responses from './responses';
import { isRead, isUnlink, SOURCE, unknownUsers, USER, withStack } from './stack';

const POOL = createPool({ users: 40, identitiesPerUser: 3 });
const SOURCES = POOL.extIdps.map(({ id = '' }) => id);
const USERS = POOL.users.map(({ id = '' }) => id);
const targetOf = (userId: string, extIdpId = SOURCES[0] ?? '') => ({ userId, extIdpId });
/** Whether a request reads users of `unknownUsers`, which only pages do. */
const isOfPage = ({ method, text }: ProxiedRequest): boolean => method === 'GET' && text.includes('=f0000');
const userOf = ({ text }: ProxiedRequest): string => /"userId":"(\w+)"/.exec(text)?.[1] ?? '';

jest.setTimeout(30_000);

describe('concurrent calls to GenAuth', () => {
  test.concurrent('never exceed GENAUTH_MAX_CONCURRENCY, and reads leave some of it to unlinks', () =>
    withStack({ seed: POOL, env: { GENAUTH_MAX_CONCURRENCY: '8' } }, async (stack) => {
      const { proxy, read, unlink } = stack;
      let most = 0;
      proxy.onRequest(() => (most = Math.max(most, proxy.inFlight.size)));
      const release = proxy.hold(isOfPage);
      const reading = read(unknownUsers(1000));
      await proxy.received(7);
      // Reads use their whole share, and more reads are waiting.
      const unlinks = await Promise.all(USERS.slice(0, 10).map((userId) => unlink(targetOf(userId))));
      expect(unlinks.map(({ data }) => data?.unlinkIdentity?.success)).toEqual(unlinks.map(() => true));
      expect(proxy.requests.filter(isOfPage)).toHaveLength(7);
      release();
      expect((await reading).errors).toEqual([]);
      expect(proxy.requests.filter(isOfPage)).toHaveLength(20);
      expect(most).toBe(8);
    }),
  );

  test.concurrent('run one after another if GENAUTH_MAX_CONCURRENCY is 1', () =>
    withStack({ seed: POOL, env: { GENAUTH_MAX_CONCURRENCY: '1' } }, async (stack) => {
      const { proxy, read, unlink } = stack;
      let most = 0;
      proxy.onRequest(() => (most = Math.max(most, proxy.inFlight.size)));
      const answers = await Promise.all([
        read(unknownUsers(100)),
        ...USERS.slice(0, 10).map((userId) => unlink(targetOf(userId))),
      ]);
      expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
      expect(proxy.requests.filter(isUnlink)).toHaveLength(10);
      // Two for the page, and less than two for each unlink.
      expect(proxy.requests.filter(isRead).length).toBeLessThan(2 + 20);
      expect(most).toBe(1);
    }),
  );

  test.concurrent(
    'use the share of unlinks to settle an unlink whose response is lost, while reads use their whole share',
    () =>
      withStack({ seed: POOL, env: { GENAUTH_MAX_CONCURRENCY: '8', REQUEST_DEADLINE_MS: '3000' } }, async (stack) => {
        const { proxy, read, unlink } = stack;
        const release = proxy.hold(isOfPage);
        const reading = read(unknownUsers(1000));
        await proxy.received(7);
        proxy.inject(isUnlink, responses.reset, { executed: true });
        const { data } = await unlink(targetOf(USERS[0] ?? ''));
        expect(data?.unlinkIdentity?.success).toBe(true);
        release();
        await reading;
      }),
  );
});

describe('the rate of calls', () => {
  test.concurrent('stays below GENAUTH_MAX_QPS plus a burst of one tenth', () =>
    withStack({ seed: POOL, env: { GENAUTH_MAX_QPS: '10' } }, async (stack) => {
      const { proxy, unlink } = stack;
      // As many as can be sent before the wait for a turn ends.
      const answers = await Promise.all(USERS.slice(0, 15).map((userId) => unlink(targetOf(userId))));
      expect(answers.map(({ data }) => data?.unlinkIdentity?.success)).toEqual(answers.map(() => true));
      const at = proxy.requests.map((request) => request.at);
      const ofASecond = at.map((start) => at.filter((time) => time >= start && time < start + 1_000).length);
      expect(Math.max(...ofASecond)).toBeLessThanOrEqual(10 * 1.1 + 1);
    }),
  );
});

describe('more readers than the queue holds', () => {
  test.concurrent('all get a response, and the queue stays bounded', () =>
    withStack(
      {
        seed: POOL,
        env: {
          GENAUTH_MAX_CONCURRENCY: '8',
          GENAUTH_READ_TIMEOUT_MS: '60000',
          REQUEST_DEADLINE_MS: '3000',
        },
      },
      async (stack) => {
        const { proxy, read } = stack;
        const release = proxy.hold(isRead);
        const ids = unknownUsers(12_000);
        const readings = Array.from({ length: 12 }, (_, n) => read(ids.slice(n * 1000, (n + 1) * 1000)));
        await proxy.received(7);
        const answers = await Promise.all(readings);
        const extensions = answers.flatMap(({ errors }) => errors.map((error) => error.extensions));
        const codes = extensions.map(({ code }) => code);
        expect(codes).toHaveLength(12_000);
        expect(new Set(codes)).toEqual(new Set(['RATE_LIMITED', 'DEADLINE_EXCEEDED']));
        // Seven calls get no response until the end. The reads behind them are refused when their wait is over.
        expect(proxy.requests).toHaveLength(7);
        expect(codes.filter((code) => code === 'DEADLINE_EXCEEDED')).toHaveLength(7 * 50);
        // Each of them can be sent again later.
        expect(extensions.every(({ retryAfterMs }) => Number(retryAfterMs) > 0)).toBe(true);
        release();
        expect((await read(USERS.slice(0, 1))).data?._entities[0]?.identities).toHaveLength(3);
      },
    ),
  );
});

describe('the calls of unlinks', () => {
  test.concurrent('are three if the service is idle, and the list of sources is read once beside them', () =>
    withStack({ env: { LAST_IDENTITY_GUARD: 'all' } }, async ({ proxy, unlink }) => {
      const pathsOf = () => proxy.requests.map(({ method, path }) => `${method} ${path.replace('/api/v3/', '')}`);
      await unlink({ userId: USER, extIdpId: SOURCE, type: 'openid' });
      const first = ['GET get-user-batch', 'GET list-ext-idp', 'POST unlink-identity', 'GET get-user-batch'];
      expect(pathsOf().sort()).toEqual([...first].sort());
      proxy.requests.length = 0;
      await unlink({ userId: USER, extIdpId: SOURCE, type: 'unionid' });
      expect(pathsOf()).toEqual(['GET get-user-batch', 'POST unlink-identity', 'GET get-user-batch']);
    }),
  );

  test.concurrent('are sixty writes and a handful of reads for sixty concurrent unlinks', () =>
    withStack({ seed: createPool({ users: 60, identitiesPerUser: 2 }) }, async ({ emulator, proxy, unlink }) => {
      const users = emulator.store.users().map(({ profile, identities }) => ({
        userId: profile.userId,
        extIdpId: identities[0]?.extIdpId ?? '',
      }));
      const answers = await Promise.all(users.map(unlink));
      expect(answers.map(({ data }) => data?.unlinkIdentity?.removed?.length)).toEqual(users.map(() => 1));
      expect(proxy.requests.filter(isUnlink)).toHaveLength(60);
      const reads = proxy.requests.filter(isRead).length;
      // 120 without batching. How close to four it comes depends on when requests arrive.
      expect(reads).toBeLessThan(40);
    }),
  );
});

describe('the unlinks of one user', () => {
  test.concurrent('run one after another, while unlinks of different users run concurrently', () =>
    withStack({ seed: POOL }, async (stack) => {
      const { emulator, proxy, unlink } = stack;
      let mostOfOne = 0;
      let most = 0;
      proxy.onRequest(() => {
        const users = [...proxy.inFlight].filter(isUnlink).map(userOf);
        most = Math.max(most, users.length);
        mostOfOne = Math.max(mostOfOne, ...users.map((user) => users.filter((other) => other === user).length));
      });
      const users = USERS.slice(0, 4);
      // No response is sent before the first unlink of each user has arrived.
      const firstOfEach = proxy.received(users.length, isUnlink);
      proxy.inject(isUnlink, async (socket, response) => firstOfEach.then(() => write(socket, response)), {
        executed: true,
      });
      const answers = await Promise.all(
        users.flatMap((user) => SOURCES.map((source) => unlink(targetOf(user, source)))),
      );
      expect(answers.map(({ data }) => data?.unlinkIdentity?.success)).toEqual(answers.map(() => true));
      expect(emulator.store.executions).toHaveLength(12);
      expect([most, mostOfOne]).toEqual([4, 1]);
    }),
  );

  test.concurrent('wait while an earlier unlink of the user is settled', () =>
    withStack({ seed: POOL }, async (stack) => {
      const { proxy, unlink } = stack;
      const [user = ''] = USERS;
      proxy.inject(isUnlink, responses.reset, { executed: true, times: 1 });
      const answers = await Promise.all(SOURCES.map((source) => unlink(targetOf(user, source))));
      expect(answers.map(({ data }) => data?.unlinkIdentity?.success)).toEqual([true, true, true]);
      expect(proxy.requests.map(({ method }) => method)).toEqual(SOURCES.flatMap(() => ['GET', 'POST', 'GET']));
    }),
  );
});

describe('a caller who disconnects during an unlink', () => {
  test.concurrent('stops neither the unlink nor the reads that settle it', () =>
    withStack({ fixture: auditTrail }, async ({ emulator, proxy, fixture, url, unlink }) => {
      const leaving = post(url, { method: 'POST', headers: { 'content-type': 'application/json' } });
      const left = new Promise((resolve) => leaving.on('error', resolve).on('close', resolve));
      proxy.inject(
        isUnlink,
        async (socket, response) => {
          leaving.destroy();
          await left;
          responses.reset(socket, response);
        },
        { executed: true, times: 1 },
      );
      const query = `mutation { unlinkIdentity(userId: "${USER}", extIdpId: "${SOURCE}", type: "openid") { success } }`;
      leaving.end(JSON.stringify({ query }));
      // The user's next unlink waits for the first one, so that its outcome is in the audit trail by then.
      await proxy.received(1, isUnlink);
      await unlink({ userId: USER, extIdpId: '0'.repeat(24) });
      expect(emulator.store.executions.map(({ extIdpId }) => extIdpId)).toEqual([SOURCE, '0'.repeat(24)]);
      expect(proxy.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'GET', 'POST', 'GET']);
      const records = (await readFile(fixture?.env['AUDIT_LOG'] ?? '', 'utf8')).trim().split('\n');
      expect(records.map((record) => (JSON.parse(record) as { outcome?: string }).outcome).slice(0, 2)).toEqual([
        undefined,
        'verified_absent',
      ]);
    }),
  );
});
