import { ENTITIES, representations, type Stack, startStack, UNLINK } from '../support/stack';

describe('the admin listener', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  const get = (path: string, method = 'GET') => fetch(`${stack.subgraph.adminUrl}${path}`, { method });

  /** The sum of the samples with a name and labels. */
  async function sample(name: string, labels: Record<string, string> = {}): Promise<number> {
    const lines = (await (await get('/metrics')).text()).split('\n');
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return lines
      .filter((line) => line.split(/[{ ]/)[0] === name && wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
  }

  test.each(['/livez', '/readyz'])('responds with 200 at %s', async (path) => {
    const response = await get(path);
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
  });

  test('stays ready while GenAuth is down, because every other replica is affected as well', async () => {
    stack.emulator.faults.set('*', 'http-503');
    await stack.ask(ENTITIES, representations(['a'.repeat(24)]));
    expect((await get('/readyz')).status).toBe(200);
    stack.emulator.faults.clear();
  });

  test('is not ready before the keys of the token issuer have been loaded', async () => {
    const keyless = await startStack({
      env: {
        AUTH_MODE: 'jwt',
        JWT_ISSUER: 'http://127.0.0.1:9',
        JWT_AUDIENCE: 'supergraph',
      },
    });
    const response = await fetch(`${keyless.subgraph.adminUrl}/readyz`);
    expect([response.status, await response.text()]).toEqual([503, 'no keys of the token issuer\n']);
    await keyless.close();
  });

  test('has no other path, and does not serve GraphQL', async () => {
    expect((await get('/graphql')).status).toBe(404);
    expect((await get('/__proto__')).status).toBe(404);
    expect((await get('/livez', 'POST')).status).toBe(405);
    expect((await fetch(`${stack.subgraph.url}/metrics`)).status).toBe(404);
  });

  test('counts requests, calls, batches and unlinks', async () => {
    const [user] = stack.emulator.store.users();
    const userId = user?.profile.userId ?? '';
    const extIdpId = user?.identities[0]?.extIdpId ?? '';
    const before = {
      reads: await sample('graphql_request_duration_seconds_count', { operation: 'entities', outcome: 'ok' }),
      batches: await sample('genauth_batch_users_sum'),
    };
    await stack.ask(ENTITIES, representations([userId]));
    // Two types under one source: a read before, two unlinks and a read after them.
    await stack.ask(UNLINK, { userId, extIdpId });
    await stack.ask('{ nonsense }');
    await fetch(`${stack.subgraph.url}/nowhere`);
    expect(await sample('graphql_request_duration_seconds_count', { operation: 'entities', outcome: 'ok' })).toBe(
      before.reads + 1,
    );
    expect(await sample('graphql_request_duration_seconds_count', { operation: 'unlink', outcome: 'ok' })).toBe(1);
    expect(await sample('graphql_request_duration_seconds_count', { outcome: 'rejected' })).toBe(1);
    expect(await sample('http_rejections_total', { code: 'NOT_FOUND' })).toBeGreaterThan(0);
    expect(await sample('genauth_batch_users_sum')).toBe(before.batches + 3);
    expect(
      await sample('genauth_call_duration_seconds_count', { route: 'POST /api/v3/unlink-identity', result: 'ok' }),
    ).toBe(2);
    expect(await sample('unlink_outcomes_total', { outcome: 'acked' })).toBe(1);
    expect(await sample('genauth_breaker_state', { lane: 'reads' })).toBe(0);
    expect(await sample('genauth_breaker_state', { lane: 'writes' })).toBe(0);
    expect(await sample('build_info', { version: '0.0.0' })).toBe(1);
  });

  test('shows the difference to GenAuth’s clock after a signature was rejected because of it', async () => {
    const ahead = await startStack({ emulator: { switches: { clockOffsetMs: 3_600_000 } } });
    const [user] = ahead.emulator.store.users();
    await ahead.ask(ENTITIES, representations([user?.profile.userId ?? '']));
    const metrics = await (await fetch(`${ahead.subgraph.adminUrl}/metrics`)).text();
    const offset = Number(/^genauth_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1]);
    expect(Math.abs(offset - 3_600)).toBeLessThan(60);
    await ahead.close();
  });

  test('has no label with a value of the request, such as an id or an operation name', async () => {
    await stack.ask(`query Sentinel${ENTITIES.slice('query'.length)}`, representations(['ab'.repeat(12)]));
    const metrics = await (await get('/metrics')).text();
    expect(metrics).not.toMatch(/Sentinel|abababab/);
  });
});
