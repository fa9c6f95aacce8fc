import { type Emulator, startEmulator, type StartOptions } from '../../src/emulator';
import { call, type Reply, send, ZHANG_SAN } from './caller';

let emulator: Emulator | undefined;

async function start(options: StartOptions): Promise<Emulator> {
  emulator = await startEmulator(options);
  return emulator;
}

afterEach(() => emulator?.close());

async function readTimes(times: number, from: Emulator): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let n = 0; n < times; n++) replies.push(await call(from, 'get-user', { userId: ZHANG_SAN }));
  return replies;
}

// One call in 1000 seconds: a test sees only the burst, however slow the machine is.
const ONE = 0.001;

describe('the rate limit', () => {
  test('responds with HTTP 429, the documented body and no Retry-After', async () => {
    const limited = await start({ qps: ONE });
    const [first, second] = await readTimes(2, limited);
    expect([first?.status, first?.body.statusCode]).toEqual([200, 200]);
    expect(second?.status).toBe(429);
    expect(second?.body).toEqual({ statusCode: 429, message: 'Too many requests, please try again later' });
    expect(second?.headers.has('retry-after')).toBe(false);
    expect(limited.calls).toMatchObject([{ executed: true }, { authenticated: true, executed: false }]);
  });

  test('responds in the envelope and with Retry-After when the switches say so', async () => {
    const limited = await start({ qps: ONE, switches: { rateLimitedAs: 'body', retryAfter: 'seconds' } });
    const [, second, third] = await readTimes(3, limited);
    expect([second?.status, second?.body.statusCode, second?.headers.get('retry-after')]).toEqual([200, 429, '1']);
    expect(third?.body.statusCode).toBe(429);
    limited.switches.retryAfter = 'date';
    const [fourth] = await readTimes(1, limited);
    expect(fourth?.headers.get('retry-after')).toMatch(/ GMT$/);
  });

  test('accepts calls again after some time', async () => {
    const limited = await start({ qps: ONE });
    await readTimes(2, limited);
    limited.switches.qps = 1000;
    let status = 429;
    while (status === 429) status = (await readTimes(1, limited))[0]?.status ?? 0;
    expect(status).toBe(200);
  });

  test.each([0, Infinity])('is off when qps is %d', async (qps) => {
    const replies = await readTimes(400, await start({ qps }));
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test('is 300 by default', async () => {
    expect((await start({})).switches.qps).toBe(300);
  });

  test('does not count requests with wrong credentials', async () => {
    const limited = await start({ qps: ONE });
    const key = { accessKeyId: limited.accessKeyId, accessKeySecret: 'not it' };
    expect((await call(limited, 'get-user', { userId: ZHANG_SAN }, { key })).body.apiCode).toBe(1300);
    expect((await readTimes(1, limited))[0]?.status).toBe(200);
  });

  test('counts malformed requests', async () => {
    const limited = await start({ qps: ONE });
    expect((await call(limited, 'get-user', { userId: '' })).body.statusCode).toBe(400);
    expect((await readTimes(1, limited))[0]?.status).toBe(429);
  });

  test.each([
    ['counted', 429],
    ['free', 200],
  ] as const)('counts get-management-token when tokenRateLimit is %s', async (tokenRateLimit, status) => {
    const limited = await start({ qps: ONE, switches: { tokenRateLimit } });
    const { accessKeyId, accessKeySecret } = limited;
    await readTimes(1, limited);
    const reply = await send({
      url: `${limited.url}/api/v3/get-management-token`,
      init: {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ accessKeyId, accessKeySecret }),
      },
    });
    expect(reply.status).toBe(status);
  });
});
