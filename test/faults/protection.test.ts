import { isRead, isTokenRequest, isUnlink, onStage, outdateToken, SOURCE, USER } from './scene';
import * as spoils from './spoils';
import { type WireRequest, write } from './wire';

/** Ids of users whom GenAuth does not know, which is an answer like any other. */
const nobodies = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `f${String(n).padStart(23, '0')}`);
const TARGET = { userId: USER, extIdpId: SOURCE };
const HOUR_MS = 3_600_000;

const extensionsOf = ({ errors }: { errors: readonly { extensions: object }[] }) => errors[0]?.extensions;
const queryOf = ({ text }: WireRequest): string => text.slice(0, text.indexOf('\r\n'));
const allOf = (answers: readonly unknown[], code: string) =>
  answers.map(() => expect.objectContaining({ code }) as unknown);

jest.setTimeout(30_000);

describe('second attempts', () => {
  test.concurrent(
    'cost an outage of some users no more than the allowance at the start and a tenth of what succeeds',
    () =>
      onStage({}, async ({ wire, read }) => {
        // One of four: with its second attempt that is two calls of five, not enough for the breaker.
        const failing = nobodies(200).filter((_id, index) => index % 4 === 0);
        wire.spoil(({ text }) => failing.some((id) => text.includes(id)), spoils.http(503));
        for (const id of nobodies(200)) await read([id]);
        const first = new Set(wire.requests.map(queryOf)).size;
        expect(first).toBe(200);
        expect(wire.requests.length - first).toBeGreaterThanOrEqual(10);
        expect(wire.requests.length - first).toBeLessThanOrEqual(10 + 150 / 10);
      }),
  );
});

describe('the breaker', () => {
  test.concurrent('lets calls through while fewer than 20 have failed', () =>
    onStage({}, async ({ wire, read }) => {
      wire.spoil(isRead, spoils.http(503));
      // Nine calls, each of them twice.
      await read(nobodies(450));
      expect(wire.requests).toHaveLength(18);
      await read(nobodies(1));
      expect(wire.requests.length).toBeGreaterThan(18);
    }),
  );

  test.concurrent('stays closed while fewer than half have failed', () =>
    onStage({}, async ({ wire, read }) => {
      for (let n = 0; n < 40; n++) await read([USER]);
      wire.spoil(isRead, spoils.http(503), { times: 24 });
      await read(nobodies(700));
      const before = wire.requests.length;
      await read([USER]);
      expect(wire.requests).toHaveLength(before + 1);
    }),
  );

  test.concurrent('stays closed whatever GenAuth refuses', () =>
    onStage({}, async ({ wire, read }) => {
      wire.spoil(isRead, spoils.envelope(403));
      for (let n = 0; n < 20; n++) await read(nobodies(1));
      wire.spoil(isRead, write, { executed: true });
      expect((await read([USER])).data?._entities[0]?.identities).toHaveLength(3);
    }),
  );

  test.concurrent('opens when half of 20 calls failed: then nothing is sent, and an unlink says NOT_EXECUTED', () =>
    onStage({}, async ({ wire, read, unlink }) => {
      wire.spoil(() => true, spoils.http(503));
      await read(nobodies(1000));
      const before = wire.requests.length;
      expect(before).toBeGreaterThanOrEqual(20);
      const [unlinked, ...readings] = await Promise.all([unlink(TARGET), read([USER]), read(nobodies(300))]);
      const errors = readings.flatMap((reading) => reading.errors.map(({ extensions }) => extensions));
      expect(errors).toHaveLength(301);
      expect(errors).toEqual(allOf(errors, 'UPSTREAM_UNAVAILABLE'));
      // One call may be due to try whether GenAuth is back. Where it is the unlink, it was sent.
      expect(wire.requests.length - before).toBeLessThanOrEqual(1);
      const { outcome } = extensionsOf(unlinked) as { outcome: string };
      expect(outcome).toBe(wire.requests.some(isUnlink) ? 'UNKNOWN' : 'NOT_EXECUTED');
    }),
  );

  test.concurrent('lets next to nothing through while GenAuth stays down', () =>
    onStage({}, async ({ wire, read }) => {
      wire.spoil(isRead, spoils.http(503));
      await read(nobodies(1000));
      const before = wire.requests.length;
      for (let n = 0; n < 100; n++) await read([USER]);
      expect(wire.requests.length - before).toBeLessThanOrEqual(10);
    }),
  );

  test.concurrent('lets one call try whether GenAuth is back, and everybody once it is', () =>
    // The one call waits for as long as the others take, also on a disk that stalls.
    onStage(
      { env: { GENAUTH_READ_TIMEOUT_MS: '30000', REQUEST_DEADLINE_MS: '60000' } },
      async ({ emulator, wire, read, unlink }) => {
        wire.spoil(isRead, spoils.http(503));
        await read(nobodies(1000));
        const before = wire.requests.length;
        let release: () => void = () => undefined;
        const released = new Promise<void>((resolve) => (release = resolve));
        wire.spoil(isRead, async (socket, answer) => released.then(() => write(socket, answer)), { executed: true });
        // Until one of these is let through, each is answered at once.
        let probe = read([USER]);
        while (wire.requests.length === before) {
          probe = read([USER]);
          await Promise.race([probe, wire.received(before + 1)]);
        }
        // While it is under way nobody waits for it.
        const others = await Promise.all([...nobodies(20).map((id) => read([id])), unlink(TARGET)]);
        expect(others.map((answer) => extensionsOf(answer))).toEqual(allOf(others, 'UPSTREAM_UNAVAILABLE'));
        expect(extensionsOf(others[20] as never)).toMatchObject({ outcome: 'NOT_EXECUTED' });
        expect(wire.requests).toHaveLength(before + 1);
        release();
        expect((await probe).errors).toEqual([]);
        expect((await read([USER])).errors).toEqual([]);
        expect((await unlink(TARGET)).data?.unlinkIdentity?.success).toBe(true);
        expect(emulator.store.executions).toHaveLength(1);
      },
    ),
  );
});

describe('a 429 of GenAuth', () => {
  test.concurrent.each([
    ['seconds', () => '5', 5_000],
    ['a date', () => new Date(Date.now() + 30_000).toUTCString(), 30_000],
    ['more than anyone waits', () => '1000000000', 60_000],
    ['a date far away', () => 'Fri, 31 Dec 2100 23:59:59 GMT', 60_000],
  ])('with %s makes all calls pause, and says for how long', (_kind, retryAfter, most) =>
    onStage({}, async ({ wire, read, unlink }) => {
      wire.spoil(isRead, spoils.http(429, '', { 'retry-after': retryAfter() }), { times: 1 });
      const answers = [await read([USER]), await read(nobodies(2)), await unlink(TARGET)].map(extensionsOf);
      expect(wire.requests).toHaveLength(1);
      expect(answers).toEqual(allOf(answers, 'UPSTREAM_RATE_LIMITED'));
      expect(answers[2]).toMatchObject({ outcome: 'NOT_EXECUTED' });
      for (const answer of answers) {
        const { retryAfterMs } = answer as { retryAfterMs: number };
        // A date counts in whole seconds, and the machine may be slow.
        expect(retryAfterMs).toBeGreaterThan(most - 4_000);
        expect(retryAfterMs).toBeLessThanOrEqual(most);
      }
    }),
  );

  test.concurrent.each([
    ['nothing', {}],
    ['garbage', { 'retry-after': 'soon' }],
    ['a negative number', { 'retry-after': '-1' }],
    ['a fraction', { 'retry-after': '0.5' }],
    ['0', { 'retry-after': '0' }],
    ['a date that has passed', { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
  ])('with %s is asked once more, and then passed on without a time that GenAuth did not name', (kind, headers) =>
    onStage({}, async ({ wire, read }) => {
      wire.spoil(isRead, spoils.http(429, '', headers), { times: 1 });
      expect((await read([USER])).data?._entities[0]?.identities).toHaveLength(3);
      expect(wire.requests).toHaveLength(2);
      wire.spoil(isRead, spoils.http(429, '', headers));
      const named = kind === '0' || kind === 'a date that has passed';
      const expected = { code: 'UPSTREAM_RATE_LIMITED', ...(named ? { retryAfterMs: 0 } : {}) };
      expect(extensionsOf(await read([USER]))).toEqual(expected);
      expect(wire.requests).toHaveLength(4);
    }),
  );

  test.concurrent('to one call holds all others, unlinks too, for as long as it says', () =>
    onStage({}, async ({ wire, read, unlink }) => {
      wire.spoil(isUnlink, spoils.http(429, '', { 'retry-after': '1' }), { times: 1 });
      expect(extensionsOf(await unlink(TARGET))).toMatchObject({ outcome: 'NOT_EXECUTED', retryAfterMs: 1_000 });
      await Promise.all([read([USER]), unlink(TARGET)]);
      const [refused, ...held] = wire.requests;
      expect(held).toHaveLength(2);
      // The refusal left after it arrived: a pause from then on is at least as long as one from here on.
      for (const { at } of held) expect(at - (refused?.at ?? NaN)).toBeGreaterThanOrEqual(1_000);
    }),
  );
});

describe('a clock that is wrong', () => {
  test.concurrent.each([
    ['ahead', HOUR_MS],
    ['behind', -HOUR_MS],
  ])('by an hour, GenAuth’s being %s, costs one call and no more', (_kind, clockOffsetMs) =>
    onStage({ switches: { clockOffsetMs } }, async ({ emulator, wire, read, unlink }) => {
      expect((await read([USER])).data?._entities[0]?.identities).toHaveLength(3);
      expect(wire.requests).toHaveLength(2);
      await read(nobodies(1));
      expect((await unlink(TARGET)).data?.unlinkIdentity?.success).toBe(true);
      expect(emulator.calls.map(({ outcome }) => outcome?.apiCode)).toEqual([1305, null, null, null]);
      // And back again, when it is set right.
      emulator.switches.clockOffsetMs = 0;
      await read([USER]);
      await read([USER]);
      expect(emulator.calls.map(({ outcome }) => outcome?.apiCode).slice(4)).toEqual([1305, null, null]);
    }),
  );
});

describe('a management token that is no longer accepted', () => {
  test.concurrent('is renewed once for all the calls that it was refused to', () =>
    onStage({ env: { GENAUTH_AUTH: 'token' }, switches: { validTokens: 'newest' } }, async (scene) => {
      const { wire, read } = scene;
      await outdateToken(scene);
      const { data, errors } = await read([USER, ...nobodies(999)]);
      expect(errors).toEqual([]);
      expect(data?._entities[0]?.identities).toHaveLength(3);
      expect(wire.requests.filter(isRead)).toHaveLength(1 + 2 * 20);
      expect(wire.requests.filter(isTokenRequest)).toHaveLength(2);
    }),
  );
});
