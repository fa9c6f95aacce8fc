import { type Emulator, startEmulator } from '../../src/emulator';
import { type Main, startMain } from '../support/main';
import { post, representations } from '../support/stack';

interface Line {
  level: number;
  msg?: string;
  requestId?: string;
  [key: string]: unknown;
}

describe('the log of dist/main.js', () => {
  let emulator: Emulator;
  let main: Main;

  beforeAll(async () => {
    emulator = await startEmulator();
    main = await startMain(emulator);
  });
  afterAll(async () => {
    await main.stop();
    await emulator.close();
  });

  function send(body: object | string, headers: Record<string, string>): Promise<Response> {
    return post(`${main.url}/graphql`, body, headers);
  }

  async function linesOf(requestId: string): Promise<Line[]> {
    await main.waitFor(new RegExp(`"requestId":"${requestId}"`));
    const lines = main
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    return lines.filter((line) => line.requestId === requestId && line['event'] === undefined);
  }

  test('has one line per request, with the id that the router sent', async () => {
    const userId = emulator.store.users()[0]?.profile.userId ?? '';
    const query = `query Connected($representations: [_Any!]!) {
      _entities(representations: $representations) { ... on User { identities { id } } }
    }`;
    const response = await send(
      { query, variables: representations([userId]) },
      {
        'x-request-id': 'router-request-1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    );
    expect(response.headers.get('x-request-id')).toBe('router-request-1');
    expect(await linesOf('router-request-1')).toEqual([
      {
        level: 30,
        time: expect.any(Number),
        msg: 'request',
        requestId: 'router-request-1',
        traceId: '0af7651916cd43dd8448eb211c80319c',
        operation: 'entities',
        operationName: 'Connected',
        outcome: 'ok',
        codes: [],
        ms: expect.any(Number),
        calls: 1,
        operationId: null,
      },
    ]);
  });

  test('has no trace if the router sends an all-zero trace id', async () => {
    await send(
      { query: '{ __typename }' },
      { 'x-request-id': 'zero-trace-1', traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` },
    );
    expect(await linesOf('zero-trace-1')).toEqual([expect.objectContaining({ msg: 'request', traceId: null })]);
  });

  test('has the status and the code of a rejected request', async () => {
    await send('{', { 'x-request-id': 'refused-1' });
    expect(await linesOf('refused-1')).toEqual([
      expect.objectContaining({ msg: 'rejected', status: 400, code: 'BAD_REQUEST', reason: null }),
    ]);
  });

  test('has a new id if the router sent none, or an invalid one', async () => {
    const ids = new Set<string | null>();
    for (const given of ['', 'two words', '"}', 'x'.repeat(200)]) {
      const response = await send({ query: '{ __typename }' }, given === '' ? {} : { 'x-request-id': given });
      ids.add(response.headers.get('x-request-id'));
    }
    expect(ids.size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });
});
