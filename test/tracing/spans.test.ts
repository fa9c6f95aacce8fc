import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Main, startMain } from '../support/main';
import { ask, credentials, ENTITIES, representations, ROUTER_SECRET, strictEnv, UNLINK } from '../support/stack';
import { type CollectedSpan, type Collector, startCollector } from './collector';

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;
const BATCH = 'GET /api/v3/get-user-batch';

/** Begins a trace as a router does. @returns The trace's ids, and the headers that carry them. */
function begin(sampled = true): { traceId: string; parentId: string; headers: Record<string, string> } {
  const [traceId, parentId] = [randomHex(32), randomHex(16)];
  return {
    traceId,
    parentId,
    headers: { traceparent: `00-${traceId}-${parentId}-${sampled ? '01' : '00'}`, tracestate: 'router=yes' },
  };
}

function randomHex(length: number): string {
  return Array.from({ length }, () => '123456789abcdef'[Math.floor(Math.random() * 15)]).join('');
}

describe('the spans of dist/main.js', () => {
  let emulator: Emulator;
  let issuer: Issuer;
  let collector: Collector;
  let main: Main;
  let token: string;
  let caller: Record<string, string>;
  let users: { userId: string; extIdpId: string }[];

  beforeAll(async () => {
    [emulator, issuer, collector] = await Promise.all([
      startEmulator({ seed: createPool({ users: 80, identitiesPerUser: 1 }) }),
      startIssuer(),
      startCollector(),
    ]);
    main = await startMain(emulator, {
      // Reads may use one of the two.
      GENAUTH_MAX_CONCURRENCY: '2',
      ...strictEnv(issuer),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    });
    token = issuer.token({ scope: 'identity:read identity:unlink' });
    caller = credentials(token);
    users = emulator.store
      .users()
      .map(({ profile, identities }) => ({ userId: profile.userId, extIdpId: identities[0]?.extIdpId ?? '' }));
  });
  afterEach(() => emulator.faults.clear());
  afterAll(async () => {
    await main.stop();
    await Promise.all([emulator.close(), issuer.close(), collector.close()]);
  });

  const idsOf = (from: number, to: number): string[] => users.slice(from, to).map(({ userId }) => userId);
  const read = (userIds: string[], headers: Record<string, string>, query = ENTITIES): ReturnType<typeof ask> =>
    ask(`${main.url}/graphql`, query, representations(userIds), { ...caller, ...headers });
  const unlink = (user: object | undefined, headers: Record<string, string>): ReturnType<typeof ask> =>
    ask(`${main.url}/graphql`, UNLINK, { ...user }, { ...caller, ...headers });

  /** Waits for the request's span of a trace. @returns It, followed by the spans of the calls in the order of their start. */
  async function traceOf(traceId: string): Promise<[CollectedSpan, ...CollectedSpan[]]> {
    const all = (): CollectedSpan[] => collector.spans().filter((span) => span.traceId === traceId);
    await collector.until(() => all().some(({ kind }) => kind === SERVER));
    const [request, ...more] = all().filter(({ kind }) => kind === SERVER);
    if (request === undefined || more.length > 0) throw new Error('a request has one span');
    const calls = all().filter((span) => span !== request && span.kind === CLIENT);
    return [request, ...calls.sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))];
  }

  test("continue the router's trace: a read of 60 users has one span of the request and one of each of its two calls", async () => {
    const { traceId, parentId, headers } = begin();
    expect((await read(idsOf(0, 60), headers)).errors).toEqual([]);
    const [request, ...calls] = await traceOf(traceId);
    expect(request).toMatchObject({
      parentSpanId: parentId,
      traceState: 'router=yes',
      name: 'graphql entities',
      attributes: { 'graphql.operation': 'entities', 'graphql.outcome': 'ok', 'graphql.codes': [] },
      status: { code: 0 },
    });
    const { spanId } = request;
    expect(calls).toMatchObject([
      { parentSpanId: spanId, name: BATCH, links: [] },
      { parentSpanId: spanId, name: BATCH, links: [] },
    ]);
    expect(calls.map(({ attributes }) => attributes)).toEqual(
      expect.arrayContaining(
        [50, 10].map((size) => ({
          'http.request.method': 'GET',
          'url.template': '/api/v3/get-user-batch',
          'http.response.status_code': 200,
          'genauth.attempt': 1,
          'genauth.result': 'ok',
          'genauth.batch.users': size,
        })),
      ),
    );
    for (const { startTimeUnixNano, endTimeUnixNano } of calls) {
      expect(BigInt(endTimeUnixNano)).toBeGreaterThan(BigInt(startTimeUnixNano));
    }
  });

  test('show a lost response to an unlink, and the read that settled the unlink', async () => {
    emulator.faults.set('unlink-identity', 'reset-after-execute', { times: 1 });
    const { traceId, headers } = begin();
    expect((await unlink(users[70], headers)).data).toMatchObject({ unlinkIdentity: { success: true } });
    const [request, ...calls] = await traceOf(traceId);
    expect(request).toMatchObject({
      name: 'graphql unlink',
      attributes: { 'graphql.outcome': 'ok' },
      status: { code: 0 },
    });
    expect(calls.map(({ name, attributes, status }) => [name, attributes['genauth.result'], status.code])).toEqual([
      // The reads before and after.
      [BATCH, 'ok', 0],
      ['POST /api/v3/unlink-identity', 'reset', ERROR],
      [BATCH, 'ok', 0],
    ]);
    expect(calls[1]?.attributes).toEqual({
      'http.request.method': 'POST',
      'url.template': '/api/v3/unlink-identity',
      'error.type': 'reset',
      'genauth.attempt': 1,
      'genauth.result': 'reset',
    });
    for (const { parentSpanId } of calls) expect(parentSpanId).toBe(request.spanId);
  });

  test('include one for each attempt of a call', async () => {
    emulator.faults.set('get-user-batch', 'http-503', { times: 1 });
    const { traceId, headers } = begin();
    expect((await read(idsOf(0, 1), headers)).errors).toEqual([]);
    const [, ...calls] = await traceOf(traceId);
    expect(calls.map(({ attributes: a }) => [a['genauth.attempt'], a['http.response.status_code']])).toEqual([
      [1, 503],
      [2, 200],
    ]);
  });

  test('have an error status for failures of GenAuth, and none for errors of the caller', async () => {
    emulator.faults.set('get-user-batch', 'http-503');
    const [failed, forbidden, invalid] = [begin(), begin(), begin()];
    await read(idsOf(0, 1), failed.headers);
    await read(idsOf(0, 1), { ...forbidden.headers, ...credentials(issuer.token({ scope: '' })) });
    await read([], invalid.headers, 'query { nothing }');
    const statuses = await Promise.all(
      [failed, forbidden, invalid].map(async ({ traceId }) => {
        const [{ attributes, status }] = await traceOf(traceId);
        return [attributes['graphql.outcome'], attributes['graphql.codes'], status.code];
      }),
    );
    expect(statuses).toEqual([
      ['partial', ['UPSTREAM_UNAVAILABLE'], ERROR],
      ['partial', ['FORBIDDEN'], 0],
      ['rejected', ['GRAPHQL_VALIDATION_FAILED'], 0],
    ]);
  });

  test('of a call for several requests belong to the trace of one request, and are linked with the others in both directions', async () => {
    emulator.faults.set('get-user-batch', 'latency:1000');
    const traces = Array.from({ length: 5 }, () => begin());
    await Promise.all(traces.map(({ headers }, index) => read(idsOf(index, index + 1), headers)));
    const found = await Promise.all(traces.map(({ traceId }) => traceOf(traceId)));
    const requests = found.map(([request]) => request);
    const calls = found.flatMap(([, ...rest]) => rest);

    expect(calls.length).toBeLessThan(requests.length);
    const served = calls.flatMap(({ parentSpanId, links }) => [parentSpanId, ...links.map(({ spanId }) => spanId)]);
    expect(served.sort()).toEqual(requests.map(({ spanId }) => spanId).sort());
    const there = calls.flatMap((call) => call.links.map(({ spanId }) => [spanId, call.spanId]));
    const back = requests.flatMap((request) => request.links.map(({ spanId }) => [request.spanId, spanId]));
    expect(back.length).toBeGreaterThan(0);
    expect(back.sort()).toEqual(there.sort());
  });

  test('are not made if the router did not sample the trace', async () => {
    const [unsampled, sampled] = [begin(false), begin()];
    await read(idsOf(0, 1), unsampled.headers);
    await read(idsOf(0, 1), sampled.headers);
    await traceOf(sampled.traceId);
    expect(collector.spans().filter(({ traceId }) => traceId === unsampled.traceId)).toEqual([]);
  });

  test('begin a new trace if the router sent no valid one', async () => {
    const { traceId, headers } = begin();
    await read(idsOf(0, 1), { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` });
    await read(idsOf(0, 1), headers);
    await traceOf(traceId);
    const roots = collector.spans().filter(({ kind, parentSpanId }) => kind === SERVER && parentSpanId === undefined);
    expect(roots).toHaveLength(1);
    expect(roots[0]?.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  });

  test('name the service, and carry OTEL_RESOURCE_ATTRIBUTES', async () => {
    const { traceId, headers } = begin();
    await read(idsOf(0, 1), headers);
    await traceOf(traceId);
    expect(collector.resource()).toMatchObject({
      'service.name': 'genauth-identity-subgraph',
      'service.version': expect.stringMatching(/^\d+\.\d+\.\d+$/),
      'deployment.environment.name': 'test',
    });
  });

  test('contain nothing of the request, the caller or the response', async () => {
    const named = ENTITIES.replace('query', 'query SentinelName');
    const { traceId, headers } = begin();
    await read(
      idsOf(0, 60),
      { ...headers, 'x-sentinel': 'sentinel-header', 'x-request-id': 'sentinel-request' },
      named,
    );
    await unlink({ ...users[71], type: 'sentinel-type' }, { ...begin().headers });
    await unlink({ userId: 'sentinel-user', extIdpId: 'sentinel-source' }, { ...begin().headers });
    const last = begin();
    await read(idsOf(0, 1), last.headers);
    await Promise.all([traceOf(traceId), traceOf(last.traceId)]);

    const exported = collector.exports.map((one) => JSON.stringify(one)).join('\n');
    expect(exported).toContain(traceId);
    const secrets = [emulator.accessKeyId, emulator.accessKeySecret, ROUTER_SECRET, token, ...token.split('.')];
    const personal = emulator.store
      .users()
      .flatMap(({ profile, identities }) => [
        profile.userId,
        ...identities.flatMap(({ identityId, extIdpId, userIdInIdp }) => [identityId, extIdpId, userIdInIdp]),
      ]);
    expect(personal.length).toBeGreaterThan(300);
    const leaked = [...secrets, ...personal, 'representations', issuer.url].filter((text) => exported.includes(text));
    expect(leaked).toEqual([]);
    expect(exported).not.toMatch(/sentinel/i);
  });
});
