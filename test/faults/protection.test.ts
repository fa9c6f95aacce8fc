import { type ProxiedRequest, write } from './proxy';
import * as responses from './responses';
import { isRead, isTokenRequest, isUnlink, outdateToken, SOURCE, unknownUsers, USER, withStack } from './stack';

const TARGET = { userId: USER, extIdpId: SOURCE, type: 'openid' };
const HOUR_MS = 3_600_000;

const extensionsOf = ({ errors }: { errors: readonly { extensions: object }[] }) => errors[0]?.extensions;
const queryOf = ({ text }: ProxiedRequest): string => text.slice(0, text.indexOf('\r\n'));
const allOf = (answers: readonly unknown[], code: string) =>
  answers.map(() => expect.objectContaining({ code }) as unknown);

jest.setTimeout(30_000);

describe('retries of reads', () => {
  test.concurrent('are limited by a budget: 10 at the start, and one more for every 10 successful calls', () =>
    withStack({}, async ({ proxy, read }) => {
      // One user of four fails. With retries, two calls of five fail: not enough to open the circuit breaker.
      const failing = unknownUsers(200).filter((_id, index) => index % 4 === 0);
      proxy.inject(({ text }) => failing.some((id) => text.includes(id)), responses.http(503));
      for (const id of unknownUsers(200)) await read([id]);
      const first = new Set(proxy.requests.map(queryOf)).size;
      expect(first).toBe(200);
      expect(proxy.requests.length - first).toBeGreaterThanOrEqual(10);
      expect(proxy.requests.length - first).toBeLessThanOrEqual(10 + 150 / 10);
    }),
  );
});

describe('the circuit breaker', () => {
  test.concurrent('stays closed while fewer than 20 calls have failed', () =>
    withStack({}, async ({ proxy, read }) => {
      proxy.inject(isRead, responses.http(503));
      // Nine calls, each with one retry.
      await read(unknownUsers(450));
      expect(proxy.requests).toHaveLength(18);
      await read(unknownUsers(1));
      expect(proxy.requests.length).toBeGreaterThan(18);
    }),
  );

  test.concurrent('stays closed while fewer than half of the calls have failed', () =>
    withStack({}, async ({ proxy, read }) => {
      for (let n = 0; n < 40; n++) await read([USER]);
      proxy.inject(isRead, responses.http(503), { times: 24 });
      await read(unknownUsers(700));
      const before = proxy.requests.length;
      await read([USER]);
      expect(proxy.requests).toHaveLength(before + 1);
    }),
  );

  test.concurrent('does not count refusals by GenAuth', () =>
    withStack({}, async ({ proxy, read }) => {
      proxy.inject(isRead, responses.envelope(403));
      for (let n = 0; n < 20; n++) await read(unknownUsers(1));
      proxy.inject(isRead, write, { executed: true });
      expect((await read([USER])).data?._entities[0]?.identities).toHaveLength(3);
    }),
  );

  test.concurrent('opens after half of 20 calls have failed: nothing is sent, and an unlink gets NOT_EXECUTED', () =>
    withStack({}, async ({ proxy, read, unlink }) => {
      proxy.inject(() => true, responses.http(503));
      await read(unknownUsers(1000));
      const before = proxy.requests.length;
      expect(before).toBeGreaterThanOrEqual(20);
      const [unlinked, ...readings] = await Promise.all([unlink(TARGET), read([USER]), read(unknownUsers(300))]);
      const errors = readings.flatMap((reading) => reading.errors.map(({ extensions }) => extensions));
      expect(errors).toHaveLength(301);
      expect(errors).toEqual(allOf(errors, 'UPSTREAM_UNAVAILABLE'));
      // One call may be the probe. If the probe is the unlink, then the unlink was sent.
      expect(proxy.requests.length - before).toBeLessThanOrEqual(1);
      const { outcome } = extensionsOf(unlinked) as { outcome: string };
      expect(outcome).toBe(proxy.requests.some(isUnlink) ? 'UNKNOWN' : 'NOT_EXECUTED');
    }),
  );

  test.concurrent('sends only probes while the outage lasts', () =>
    withStack({}, async ({ proxy, read }) => {
      proxy.inject(isRead, responses.http(503));
      await read(unknownUsers(1000));
      const before = proxy.requests.length;
      for (let n = 0; n < 100; n++) await read([USER]);
      expect(proxy.requests.length - before).toBeLessThanOrEqual(10);
    }),
  );

  test.concurrent('sends one probe, and closes when the probe succeeds', () =>
    // The probe gets its response after the other requests end, which may take long on a slow disk.
    withStack(
      { env: { GENAUTH_READ_TIMEOUT_MS: '30000', REQUEST_DEADLINE_MS: '60000' } },
      async ({ emulator, proxy, read, unlink }) => {
        proxy.inject(isRead, responses.http(503));
        await read(unknownUsers(1000));
        const before = proxy.requests.length;
        const release = proxy.hold(isRead);
        // Each of these reads fails at once, until one of them becomes the probe.
        let probe = read([USER]);
        while (proxy.requests.length === before) {
          probe = read([USER]);
          await Promise.race([probe, proxy.received(before + 1)]);
        }
        // While the probe is under way, other requests fail at once.
        const others = await Promise.all([...unknownUsers(20).map((id) => read([id])), unlink(TARGET)]);
        expect(others.map((answer) => extensionsOf(answer))).toEqual(allOf(others, 'UPSTREAM_UNAVAILABLE'));
        expect(extensionsOf(others[20] as never)).toMatchObject({ outcome: 'NOT_EXECUTED' });
        expect(proxy.requests).toHaveLength(before + 1);
        release();
        expect((await probe).errors).toEqual([]);
        expect((await read([USER])).errors).toEqual([]);
        expect((await unlink(TARGET)).data?.unlinkIdentity?.success).toBe(true);
        expect(emulator.store.executions).toHaveLength(1);
      },
    ),
  );
});

describe('a 429 from GenAuth', () => {
  test.concurrent.each([
    ['Retry-After in seconds', () => '5', 5_000],
    ['Retry-After as a date', () => new Date(Date.now() + 30_000).toUTCString(), 30_000],
    ['a Retry-After of many years', () => '1000000000', 60_000],
    ['a date in the year 2100', () => 'Fri, 31 Dec 2100 23:59:59 GMT', 60_000],
  ])('with %s pauses all calls, and callers get the remaining time', (_kind, retryAfter, most) =>
    withStack({}, async ({ proxy, read, unlink }) => {
      proxy.inject(isRead, responses.http(429, '', { 'retry-after': retryAfter() }), { times: 1 });
      const answers = [await read([USER]), await read(unknownUsers(2)), await unlink(TARGET)].map(extensionsOf);
      expect(proxy.requests).toHaveLength(1);
      expect(answers).toEqual(allOf(answers, 'UPSTREAM_RATE_LIMITED'));
      expect(answers[2]).toMatchObject({ outcome: 'NOT_EXECUTED' });
      for (const answer of answers) {
        const { retryAfterMs } = answer as { retryAfterMs: number };
        // A date has a resolution of one second, and the machine may be slow.
        expect(retryAfterMs).toBeGreaterThan(most - 4_000);
        expect(retryAfterMs).toBeLessThanOrEqual(most);
      }
    }),
  );

  test.concurrent.each([
    ['no Retry-After', {}],
    ['an invalid Retry-After', { 'retry-after': 'soon' }],
    ['a negative number', { 'retry-after': '-1' }],
    ['a fraction', { 'retry-after': '0.5' }],
    ['a Retry-After of 0', { 'retry-after': '0' }],
    ['a date in the past', { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }],
  ])('with %s is retried once, and then `retryAfterMs` is the time that GenAuth gave, or 500', (kind, headers) =>
    withStack({}, async ({ proxy, read }) => {
      proxy.inject(isRead, responses.http(429, '', headers), { times: 1 });
      expect((await read([USER])).data?._entities[0]?.identities).toHaveLength(3);
      expect(proxy.requests).toHaveLength(2);
      proxy.inject(isRead, responses.http(429, '', headers));
      const named = kind === 'a Retry-After of 0' || kind === 'a date in the past';
      const expected = { code: 'UPSTREAM_RATE_LIMITED', retryAfterMs: named ? 0 : 500 };
      expect(extensionsOf(await read([USER]))).toEqual(expected);
      expect(proxy.requests).toHaveLength(4);
    }),
  );

  test.concurrent('to one call delays all other calls, also unlinks, for the given time', () =>
    withStack({}, async ({ proxy, read, unlink }) => {
      proxy.inject(isUnlink, responses.http(429, '', { 'retry-after': '1' }), { times: 1 });
      expect(extensionsOf(await unlink(TARGET))).toMatchObject({ outcome: 'NOT_EXECUTED', retryAfterMs: 1_000 });
      await Promise.all([read([USER]), unlink(TARGET)]);
      // The first request is the read before the unlink.
      const [, refused, ...held] = proxy.requests;
      expect(held).toHaveLength(4);
      // The response was sent after its request arrived, so that the pause is at least as long as the time measured here.
      for (const { at } of held) expect(at - (refused?.at ?? NaN)).toBeGreaterThanOrEqual(1_000);
    }),
  );
});

describe('a difference between the clocks', () => {
  test.concurrent.each([
    ['ahead', HOUR_MS],
    ['behind', -HOUR_MS],
  ])('of one hour, with GenAuth %s, costs one extra call', (_kind, clockOffsetMs) =>
    withStack({ switches: { clockOffsetMs } }, async ({ emulator, proxy, read, unlink }) => {
      expect((await read([USER])).data?._entities[0]?.identities).toHaveLength(3);
      expect(proxy.requests).toHaveLength(2);
      await read(unknownUsers(1));
      expect((await unlink(TARGET)).data?.unlinkIdentity?.success).toBe(true);
      expect(emulator.calls.map(({ outcome }) => outcome?.apiCode)).toEqual([1305, null, null, null, null, null]);
      // The same happens when GenAuth's clock is set right.
      emulator.switches.clockOffsetMs = 0;
      await read([USER]);
      await read([USER]);
      expect(emulator.calls.map(({ outcome }) => outcome?.apiCode).slice(6)).toEqual([1305, null, null]);
    }),
  );
});

describe('a management token that is no longer accepted', () => {
  test.concurrent('is renewed once for all calls that were refused', () =>
    withStack({ env: { GENAUTH_AUTH: 'token' }, switches: { validTokens: 'newest' } }, async (stack) => {
      const { proxy, read } = stack;
      await outdateToken(stack);
      const { data, errors } = await read([USER, ...unknownUsers(999)]);
      expect(errors).toEqual([]);
      expect(data?._entities[0]?.identities).toHaveLength(3);
      expect(proxy.requests.filter(isRead)).toHaveLength(1 + 2 * 20);
      expect(proxy.requests.filter(isTokenRequest)).toHaveLength(2);
    }),
  );
});
