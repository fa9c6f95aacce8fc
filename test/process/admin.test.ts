import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Emulator, startEmulator } from '../../src/emulator';
import { startIssuer } from '../support/issuer';
import { type Main, startMain } from '../support/main';
import { ROOT } from '../support/process';
import { ask, credentials, ENTITIES, representations, strictEnv, UNLINK } from '../support/stack';

describe('the admin listener of dist/main.js', () => {
  let emulator: Emulator;
  let userId: string;
  let main: Main;

  beforeAll(async () => {
    emulator = await startEmulator();
    userId = emulator.store.users()[0]?.profile.userId ?? '';
  });
  afterEach(async () => {
    emulator.faults.clear();
    await main.stop('SIGKILL');
  });
  afterAll(() => emulator.close());

  async function get(path: string): Promise<[number, string]> {
    const response = await fetch(`${main.adminUrl}${path}`);
    return [response.status, await response.text()];
  }

  async function untilReadiness(expected: readonly [number, string]): Promise<void> {
    while ((await get('/readyz')).join() !== expected.join()) await pause(10);
  }

  /** The samples of the metrics by name and labels. */
  async function samples(): Promise<Map<string, number>> {
    const [, text] = await get('/metrics');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  const read = (id = userId, headers: Record<string, string> = {}, query = ENTITIES) =>
    ask(`${main.url}/graphql`, query, representations([id]), headers);

  test('is alive and not ready until the keys of the token issuer have been loaded', async () => {
    const issuer = await startIssuer();
    issuer.misbehaviour.jwks = { status: 500 };
    main = await startMain(emulator, strictEnv(issuer));
    expect(await get('/readyz')).toEqual([503, 'no keys of the token issuer\n']);
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    const refused = await read(userId, credentials(issuer.token()));
    expect([refused.status, refused.errors[0]?.extensions]).toEqual([
      503,
      { code: 'KEYS_UNAVAILABLE', outcome: 'NOT_EXECUTED', retryAfterMs: 1_000 },
    ]);
    expect(refused.headers.get('retry-after')).toBe('1');
    issuer.misbehaviour = {};
    await untilReadiness([200, 'ready\n']);
    expect((await read(userId, credentials(issuer.token({ scope: 'identity:read' })))).errors).toEqual([]);
    await issuer.close();
  });

  test('is alive and not ready while it is overloaded, and ready again afterwards', async () => {
    emulator.faults.set('get-user-batch', 'latency:500');
    main = await startMain(emulator, { MAX_IN_FLIGHT: '1' });
    const first = read();
    await untilReadiness([503, 'overloaded\n']);
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    const refused = await read();
    expect([refused.status, refused.errors[0]?.extensions]).toEqual([
      503,
      { code: 'OVERLOADED', outcome: 'NOT_EXECUTED', retryAfterMs: 1_000 },
    ]);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await first).errors).toEqual([]);
    await untilReadiness([200, 'ready\n']);
  });

  test('is ready while GenAuth is down, and shows an open circuit breaker', async () => {
    emulator.faults.set('*', 'http-503');
    main = await startMain(emulator);
    while ((await samples()).get('genauth_breaker_state{lane="reads"}') !== 2) await read();
    expect(await get('/readyz')).toEqual([200, 'ready\n']);
    expect((await read()).errors[0]?.extensions['code']).toBe('UPSTREAM_UNAVAILABLE');
  });

  test('has metrics of requests, calls, queues and the build', async () => {
    emulator.faults.set('get-user-batch', 'http-503', { times: 1 });
    main = await startMain(emulator);
    const extIdpId = emulator.store.identitiesOf(userId)[0]?.extIdpId;
    await read();
    await ask(`${main.url}/graphql`, UNLINK, { userId, extIdpId });
    await fetch(`${main.url}/nowhere`);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const found = await samples();
    const expected = {
      'graphql_request_duration_seconds_count{operation="entities",outcome="ok"}': 1,
      'graphql_request_duration_seconds_count{operation="unlink",outcome="ok"}': 1,
      'graphql_request_duration_seconds_bucket{le="+Inf",operation="unlink",outcome="ok"}': 1,
      'genauth_call_duration_seconds_count{route="GET /api/v3/get-user-batch",attempt="1",result="http_error"}': 1,
      'genauth_call_duration_seconds_count{route="GET /api/v3/get-user-batch",attempt="2",result="ok"}': 1,
      'genauth_call_duration_seconds_count{route="POST /api/v3/unlink-identity",attempt="1",result="ok"}': 2,
      genauth_batch_users_count: 3,
      'unlink_outcomes_total{outcome="acked"}': 1,
      'unlink_outcomes_total{outcome="unknown"}': 0,
      'http_rejections_total{code="NOT_FOUND"}': 1,
      'http_connections_dropped_total{reason="slow_reader"}': 0,
      'genauth_breaker_state{lane="reads"}': 0,
      'genauth_breaker_state{lane="writes"}': 0,
      genauth_waiting_calls: 0,
      genauth_waiting_users: 0,
      genauth_retries_left: expect.any(Number) as number,
      genauth_clock_offset_seconds: expect.any(Number) as number,
      audit_failing: 0,
      graphql_requests_in_flight: 0,
      draining: 0,
      nodejs_eventloop_lag_p99_seconds: expect.any(Number) as number,
      [`build_info{version="${version}",node="${process.version}"}`]: 1,
    };
    expect(Object.fromEntries(found)).toMatchObject(expected);
  });

  test('has the same series after many different requests, and none with a value of a request', async () => {
    main = await startMain(emulator);
    const visit = async (visitor: string): Promise<void> => {
      const id = visitor.repeat(24).slice(0, 24);
      const headers = { 'x-request-id': `sentinel-${visitor}`, [`x-sentinel-${visitor}`]: 'sentinel' };
      await read(id, headers, ENTITIES.replace('query', `query Sentinel${visitor}`));
      await read(`sentinel-${visitor}`, headers, `query Sentinel { sentinel${visitor} }`);
      await ask(`${main.url}/graphql`, UNLINK, { userId: id, extIdpId: id, type: `sentinel-${visitor}` }, headers);
      await fetch(`${main.url}/sentinel-${visitor}`, { method: 'POST', headers });
    };
    await visit('a');
    const before = await samples();
    for (const visitor of 'bcdef0123456789') await visit(visitor);
    const after = await samples();
    const ofProcess = /^(nodejs|process)_/;
    const series = (of: Map<string, number>) => [...of.keys()].filter((name) => !ofProcess.test(name)).sort();
    expect(series(after)).toEqual(series(before));
    expect([...after.keys()].join('\n')).not.toMatch(/sentinel|([0-9a-f])\1{9}/i);
  });
});
