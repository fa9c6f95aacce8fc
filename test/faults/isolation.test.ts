import { createPool, type Seed } from '../../src/emulator';
import { type Answer, type EntitiesAnswer, ENTITIES, representations } from '../support/stack';
import type { ProxiedRequest } from './proxy';
import * as responses from './responses';
import { isRead, isUnlink, unknownUsers, withStack } from './stack';

/** Large responses take long on a busy machine. */
const SLOW = { GENAUTH_READ_TIMEOUT_MS: '30000', REQUEST_DEADLINE_MS: '60000' };

const IDS_ONLY = ENTITIES.replace(' userInfoInIdp', '');

jest.setTimeout(60_000);

/** A pool in which the first user has a photo of its own. */
function poolWith(photoKiB: number, users = 50): { seed: Seed; ids: string[]; first: string; source: string } {
  const seed = createPool({ users, identitiesPerUser: 1 });
  const [identity] = seed.users[0]?.identities ?? [];
  if (identity !== undefined) identity.photoKiB = photoKiB;
  const ids = seed.users.map(({ id = '' }) => id);
  return { seed, ids, first: ids[0] ?? '', source: seed.extIdps[0]?.id ?? '' };
}

const codesOf = ({ errors }: Answer<unknown>): unknown[] => errors.map(({ extensions }) => extensions['code']);
const answered = ({ data }: Answer<EntitiesAnswer>): number =>
  data?._entities.filter((entity) => entity?.identities?.length === 1).length ?? 0;
const hasUser =
  (id: string) =>
  ({ path, text }: ProxiedRequest): boolean =>
    path.endsWith('/get-user-batch') && text.includes(id);

describe('a profile that is too large', () => {
  test.concurrent('of 5 MiB affects its own user only, without extra calls', () => {
    const { seed, ids } = poolWith(5 * 1024);
    return withStack({ seed, env: SLOW }, async ({ proxy, read }) => {
      const reading = await read(ids);
      expect(codesOf(reading)).toEqual(['UPSTREAM_BAD_RESPONSE']);
      expect(reading.errors[0]?.path?.[1]).toBe(0);
      expect(answered(reading)).toBe(49);
      expect(proxy.requests).toHaveLength(1);
    });
  });

  test.concurrent('of 20 MiB affects its own user only, and no other request that shares the call', () => {
    const { seed, ids } = poolWith(20 * 1024);
    return withStack({ seed, env: SLOW }, async ({ proxy, read }) => {
      const readings = await Promise.all(ids.map((id) => read([id])));
      expect(readings.flatMap(codesOf)).toEqual(['UPSTREAM_BAD_RESPONSE']);
      const before = proxy.requests.length;
      const again = await read(ids);
      expect(codesOf(again)).toEqual(['UPSTREAM_BAD_RESPONSE']);
      expect(answered(again)).toBe(49);
      // The user is remembered, so that one call reads the others.
      expect(proxy.requests.length - before).toBe(2);
    });
  });

  test.concurrent('does not matter to reads that do not select it', () => {
    const { seed, first } = poolWith(5 * 1024);
    return withStack({ seed, env: SLOW }, async ({ ask }) => {
      const reading = await ask<EntitiesAnswer>(IDS_ONLY, representations([first]));
      expect(reading.errors).toEqual([]);
      expect(answered(reading)).toBe(1);
    });
  });

  test.concurrent.each(['off', 'self', 'all'])('does not prevent an unlink, with LAST_IDENTITY_GUARD=%s', (guard) => {
    const seed = createPool({ users: 2, identitiesPerUser: 2 });
    for (const identity of seed.users[0]?.identities ?? []) identity.photoKiB = 3 * 1024;
    const target = { userId: seed.users[0]?.id ?? '', extIdpId: seed.extIdps[0]?.id ?? '' };
    return withStack({ seed, env: { ...SLOW, LAST_IDENTITY_GUARD: guard } }, async ({ emulator, unlink }) => {
      const { data, errors } = await unlink(target);
      expect(errors).toEqual([]);
      expect(data?.unlinkIdentity?.success).toBe(true);
      expect(emulator.store.identitiesOf(target.userId)).toHaveLength(1);
    });
  });

  test.concurrent('of 100 KiB for each of 50 users makes no read fail', () => {
    const seed = createPool({ users: 50, identitiesPerUser: 1, photoKiB: 100 });
    return withStack({ seed, env: SLOW }, async ({ proxy, read }) => {
      const reading = await read(seed.users.map(({ id = '' }) => id));
      expect(reading.errors).toEqual([]);
      expect(answered(reading)).toBe(50);
      expect(proxy.requests).toHaveLength(1);
    });
  });
});

describe('a user whose record makes GenAuth fail', () => {
  test.concurrent.each([
    ['HTTP 500', responses.http(500)],
    ['an envelope of 500', responses.envelope(500)],
    ['an envelope of 400', responses.envelope(400)],
    ['an empty response', responses.http(200, '')],
    ['text that is not JSON', responses.http(200, '{"statusCode":200,"data":[')],
    ['HTTP 403 from a proxy', responses.http(403)],
  ])('with %s affects nobody else', (_title, response) => {
    const { seed, ids, first } = poolWith(0);
    return withStack({ seed }, async ({ proxy, read }) => {
      proxy.inject(hasUser(first), response);
      const reading = await read(ids);
      expect(reading.errors).toHaveLength(1);
      expect(answered(reading)).toBe(49);
      expect(proxy.requests.length).toBeLessThanOrEqual(1 + 14);
    });
  });

  test.concurrent('does not open the circuit breaker, and does not delay others', () => {
    const { seed, ids, first, source } = poolWith(0);
    return withStack({ seed }, async ({ proxy, read, unlink }) => {
      proxy.inject(hasUser(first), responses.http(500));
      for (let n = 0; n < 60; n++) expect(codesOf(await read([first]))).toEqual(['UPSTREAM_UNAVAILABLE']);
      const others = await Promise.all(ids.slice(1).map((id) => read([id])));
      expect(others.flatMap(codesOf)).toEqual([]);
      expect((await unlink({ userId: ids[1] ?? '', extIdpId: source })).data?.unlinkIdentity?.success).toBe(true);
    });
  });
});

describe('failing writes', () => {
  test.concurrent('never make reads fail', () => {
    const { seed, ids, source } = poolWith(0);
    return withStack({ seed, env: { REQUEST_DEADLINE_MS: '2000' } }, async ({ proxy, read, unlink }) => {
      proxy.inject(isUnlink, responses.http(503));
      const failing = Promise.all(ids.slice(0, 40).map((userId) => unlink({ userId, extIdpId: source })));
      await proxy.received(20, isUnlink);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect((await read(ids)).errors).toEqual([]);
      const sent = proxy.requests.filter(isUnlink).length;
      // The breaker of writes is open: the next unlink is not sent.
      const next = await unlink({ userId: ids[45] ?? '', extIdpId: source });
      expect(next.errors[0]?.extensions).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED' });
      expect(proxy.requests.filter(isUnlink)).toHaveLength(sent);
      expect((await read(ids)).errors).toEqual([]);
      await failing;
    });
  });
});

describe('a 404 without the code of an unknown user', () => {
  test.concurrent.each([
    ['an envelope', responses.envelope(404)],
    ['a page of a proxy', responses.http(404)],
    ['JSON that is no envelope', responses.http(404, '{"error":"no route"}')],
  ])('in %s is an error of a read, never an unknown user', (_title, response) =>
    withStack({}, async ({ proxy, read }) => {
      proxy.inject(isRead, response);
      const { data, errors } = await read(unknownUsers(3));
      expect(errors.map(({ extensions }) => extensions['code'])).toEqual(Array(3).fill('UPSTREAM_REJECTED'));
      expect(data?._entities.every((entity) => entity !== null)).toBe(true);
    }),
  );

  test.concurrent.each([
    ['an envelope', responses.envelope(404)],
    ['a page of a proxy', responses.http(404)],
  ])('in %s never allows an unlink of a guarded user', (_title, response) => {
    const { seed, first, source } = poolWith(0);
    return withStack({ seed, env: { LAST_IDENTITY_GUARD: 'all' } }, async ({ emulator, proxy, unlink }) => {
      proxy.inject(isRead, response);
      const { errors } = await unlink({ userId: first, extIdpId: source });
      expect(errors[0]?.extensions).toMatchObject({ code: 'UPSTREAM_REJECTED', outcome: 'NOT_EXECUTED' });
      expect(emulator.store.executions).toHaveLength(0);
    });
  });
});

describe('many unlinks at the full rate', () => {
  test.concurrent('leave a quarter of the rate to reads, so that none of 80 reads fails', () => {
    const seed = createPool({ users: 240, identitiesPerUser: 2 });
    const ids = seed.users.map(({ id = '' }) => id);
    const extIdpId = seed.extIdps[0]?.id ?? '';
    return withStack({ seed, env: { GENAUTH_MAX_QPS: '40' } }, async ({ read, unlink }) => {
      const left = ids.slice(0, 160);
      let isOver = false;
      const worker = async (): Promise<void> => {
        for (let userId = left.pop(); userId !== undefined; userId = left.pop()) await unlink({ userId, extIdpId });
      };
      const unlinking = Promise.all(Array.from({ length: 60 }, worker)).then(() => (isOver = true));
      const codes: unknown[] = [];
      let reads = 0;
      for (const id of ids.slice(160)) {
        if (!isOver) reads++;
        codes.push(...codesOf(await read([id])));
      }
      await unlinking;
      expect(codes).toEqual([]);
      expect(reads).toBeGreaterThan(10);
    });
  });
});

describe('in token mode', () => {
  test.concurrent('requests for tokens count in the rate, also while GenAuth accepts no token', () =>
    withStack({ env: { GENAUTH_MAX_QPS: '20', GENAUTH_AUTH: 'token' } }, async ({ proxy, read }) => {
      proxy.inject(isRead, responses.http(401));
      const ids = unknownUsers(40);
      await Promise.all(
        ids.map(async (id, n) => new Promise((done) => setTimeout(done, n * 50)).then(() => read([id]))),
      );
      const at = proxy.requests.map((request) => request.at);
      expect(proxy.requests.some(({ path }) => path.endsWith('/get-management-token'))).toBe(true);
      const ofASecond = at.map((start) => at.filter((time) => time >= start && time < start + 1_000).length);
      expect(Math.max(...ofASecond)).toBeLessThanOrEqual(20 * 1.1 + 1);
    }),
  );
});
