import { readFile } from 'node:fs/promises';
import { request as post } from 'node:http';
import { createPool } from '../../src/emulator';
import { auditTrail } from './places';
import { isRead, isUnlink, onStage, type Scene, SOURCE, USER } from './scene';
import * as spoils from './spoils';
import { type WireRequest, write } from './wire';

const POOL = createPool({ users: 40, identitiesPerUser: 3 });
const SOURCES = POOL.extIdps.map(({ id = '' }) => id);
const USERS = POOL.users.map(({ id = '' }) => id);
const nobodies = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `f${String(n).padStart(23, '0')}`);
const targetOf = (userId: string, extIdpId = SOURCES[0] ?? '') => ({ userId, extIdpId });
const userOf = ({ text }: WireRequest): string => /"userId":"(\w+)"/.exec(text)?.[1] ?? '';

/** Answers of this kind wait until they are released. */
function hold({ wire }: Scene, meets: (request: WireRequest) => boolean): () => void {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  wire.spoil(meets, async (socket, answer) => released.then(() => write(socket, answer)), { executed: true });
  return () => release();
}

jest.setTimeout(30_000);

describe('the calls under way at once', () => {
  test.concurrent('are never more than GENAUTH_MAX_CONCURRENCY, of which reads leave some to unlinks', () =>
    onStage({ seed: POOL, env: { GENAUTH_MAX_CONCURRENCY: '8' } }, async (scene) => {
      const { wire, read, unlink } = scene;
      let most = 0;
      wire.onRequest(() => (most = Math.max(most, wire.underWay.size)));
      const release = hold(scene, isRead);
      const reading = read(nobodies(1000));
      await wire.received(7);
      // Reads have taken what they may, and more of them wait.
      const unlinks = await Promise.all(USERS.map((userId) => unlink(targetOf(userId))));
      expect(unlinks.map(({ data }) => data?.unlinkIdentity?.success)).toEqual(USERS.map(() => true));
      expect(wire.requests.filter(isRead)).toHaveLength(7);
      release();
      expect((await reading).errors).toEqual([]);
      expect(wire.requests.filter(isRead)).toHaveLength(20);
      expect(most).toBe(8);
    }),
  );

  test.concurrent('are one at a time where GENAUTH_MAX_CONCURRENCY is 1', () =>
    onStage({ seed: POOL, env: { GENAUTH_MAX_CONCURRENCY: '1' } }, async (scene) => {
      const { wire, read, unlink } = scene;
      let most = 0;
      wire.onRequest(() => (most = Math.max(most, wire.underWay.size)));
      const answers = await Promise.all([
        read(nobodies(100)),
        ...USERS.slice(0, 10).map((userId) => unlink(targetOf(userId))),
      ]);
      expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
      expect(wire.requests).toHaveLength(12);
      expect(most).toBe(1);
    }),
  );

  test.concurrent('are settled in the room of unlinks when an answer is lost while reads take all they may', () =>
    onStage({ seed: POOL, env: { GENAUTH_MAX_CONCURRENCY: '8', REQUEST_DEADLINE_MS: '3000' } }, async (scene) => {
      const { wire, read, unlink } = scene;
      const isBatch = ({ path }: WireRequest): boolean => path.endsWith('/get-user-batch');
      const release = hold(scene, isBatch);
      const reading = read(nobodies(1000));
      await wire.received(7);
      wire.spoil(isUnlink, spoils.reset, { executed: true });
      const { data } = await unlink(targetOf(USERS[0] ?? ''));
      expect(data?.unlinkIdentity?.success).toBe(true);
      release();
      await reading;
    }),
  );
});

describe('the calls of a second', () => {
  test.concurrent('are no more than GENAUTH_MAX_QPS, and a tenth at once', () =>
    onStage({ seed: POOL, env: { GENAUTH_MAX_QPS: '10' } }, async (scene) => {
      const { wire, unlink } = scene;
      // As many as get their turn while one may wait for it.
      const answers = await Promise.all(USERS.slice(0, 15).map((userId) => unlink(targetOf(userId))));
      expect(answers.map(({ data }) => data?.unlinkIdentity?.success)).toEqual(answers.map(() => true));
      const at = wire.requests.map((request) => request.at);
      const ofASecond = at.map((start) => at.filter((time) => time >= start && time < start + 1_000).length);
      expect(Math.max(...ofASecond)).toBeLessThanOrEqual(10 * 1.1 + 1);
    }),
  );
});

describe('a crowd of readers', () => {
  test.concurrent('gets an answer to the last one, and takes no more than its room', () =>
    onStage(
      {
        seed: POOL,
        env: {
          GENAUTH_MAX_CONCURRENCY: '8',
          GENAUTH_READ_TIMEOUT_MS: '60000',
          REQUEST_DEADLINE_MS: '3000',
        },
      },
      async (scene) => {
        const { wire, read } = scene;
        const release = hold(scene, isRead);
        const ids = nobodies(12_000);
        const crowd = Array.from({ length: 12 }, (_, n) => read(ids.slice(n * 1000, (n + 1) * 1000)));
        await wire.received(7);
        const answers = await Promise.all(crowd);
        const told = answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions));
        const codes = told.map(({ code }) => code);
        expect(codes).toHaveLength(12_000);
        expect(new Set(codes)).toEqual(new Set(['RATE_LIMITED', 'DEADLINE_EXCEEDED']));
        // Seven calls are held to the end, and what waits behind them is refused when it has waited as long as it may.
        expect(wire.requests).toHaveLength(7);
        expect(codes.filter((code) => code === 'DEADLINE_EXCEEDED')).toHaveLength(7 * 50);
        // What is more than 10 000 is refused without waiting, and so without a time after which there would be room.
        const atOnce = told.filter(({ code, retryAfterMs }) => code === 'RATE_LIMITED' && retryAfterMs === undefined);
        expect(atOnce.length).toBeGreaterThan(0);
        expect(atOnce.length).toBeLessThanOrEqual(12_000 - 7 * 50 - 10_000);
        release();
        expect((await read(USERS.slice(0, 1))).data?._entities[0]?.identities).toHaveLength(3);
      },
    ),
  );
});

describe('the unlinks of one user', () => {
  test.concurrent('run one after another, those of different users side by side', () =>
    onStage({ seed: POOL }, async (scene) => {
      const { emulator, wire, unlink } = scene;
      let mostOfOne = 0;
      let most = 0;
      wire.onRequest(() => {
        const users = [...wire.underWay].filter(isUnlink).map(userOf);
        most = Math.max(most, users.length);
        mostOfOne = Math.max(mostOfOne, ...users.map((user) => users.filter((other) => other === user).length));
      });
      const users = USERS.slice(0, 4);
      // Nobody is answered before everybody's first has come.
      const firstOfEach = wire.received(users.length, isUnlink);
      wire.spoil(isUnlink, async (socket, answer) => firstOfEach.then(() => write(socket, answer)), { executed: true });
      const answers = await Promise.all(
        users.flatMap((user) => SOURCES.map((source) => unlink(targetOf(user, source)))),
      );
      expect(answers.map(({ data }) => data?.unlinkIdentity?.success)).toEqual(answers.map(() => true));
      expect(emulator.store.executions).toHaveLength(12);
      expect([most, mostOfOne]).toEqual([4, 1]);
    }),
  );

  test.concurrent('wait for one that is being settled', () =>
    onStage({ seed: POOL }, async (scene) => {
      const { wire, unlink } = scene;
      const [user = ''] = USERS;
      wire.spoil(isUnlink, spoils.reset, { executed: true, times: 1 });
      const answers = await Promise.all(SOURCES.map((source) => unlink(targetOf(user, source))));
      expect(answers.map(({ data }) => data?.unlinkIdentity?.success)).toEqual([true, true, true]);
      expect(wire.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST', 'POST']);
    }),
  );
});

describe('a caller who leaves in the middle of an unlink', () => {
  test.concurrent('stops neither the unlink nor what settles it', () =>
    onStage({ place: auditTrail }, async ({ emulator, wire, place, url, unlink }) => {
      const leaving = post(url, { method: 'POST', headers: { 'content-type': 'application/json' } });
      const left = new Promise((resolve) => leaving.on('error', resolve).on('close', resolve));
      wire.spoil(
        isUnlink,
        async (socket, answer) => {
          leaving.destroy();
          await left;
          spoils.reset(socket, answer);
        },
        { executed: true, times: 1 },
      );
      const query = `mutation { unlinkIdentity(userId: "${USER}", extIdpId: "${SOURCE}") { success } }`;
      leaving.end(JSON.stringify({ query }));
      // The next one of this user waits until the first has ended, so that its outcome is on record by then.
      await wire.received(1, isUnlink);
      await unlink({ userId: USER, extIdpId: '0'.repeat(24) });
      expect(emulator.store.executions.map(({ extIdpId }) => extIdpId)).toEqual([SOURCE, '0'.repeat(24)]);
      expect(wire.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST']);
      const records = (await readFile(place?.env['AUDIT_LOG'] ?? '', 'utf8')).trim().split('\n');
      expect(records.map((record) => (JSON.parse(record) as { outcome?: string }).outcome).slice(0, 2)).toEqual([
        undefined,
        'verified_absent',
      ]);
    }),
  );
});
