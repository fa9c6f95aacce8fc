import { type Emulator, startEmulator } from '../../src/emulator';
import { run, type Running } from '../support/process';
import { representations } from '../support/stack';

interface Line {
  level: number;
  msg?: string;
  requestId?: string;
  [key: string]: unknown;
}

describe('the log of dist/main.js', () => {
  let emulator: Emulator;
  let main: Running;
  let url: string;

  beforeAll(async () => {
    emulator = await startEmulator();
    main = run(['dist/main.js'], {
      PORT: '0',
      ADMIN_PORT: '0',
      DRAIN_DELAY_MS: '0',
      AUTH_MODE: 'none',
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
    });
    const [line] = await main.waitFor(/^\{.*"msg":"ready".*\}$/m);
    ({ url } = JSON.parse(line) as { url: string });
  });
  afterAll(async () => {
    await main.stop();
    await emulator.close();
  });

  async function post(body: object | string, headers: Record<string, string> = {}): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: text,
    });
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

  test('has one line for a request, found by the id that the router gave it', async () => {
    const userId = emulator.store.users()[0]?.profile.userId ?? '';
    const query = `query Connected($representations: [_Any!]!) {
      _entities(representations: $representations) { ... on User { identities { id } } }
    }`;
    const response = await post(
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
      },
    ]);
  });

  test('says of a request that was refused at the door what it was told', async () => {
    await post('{', { 'x-request-id': 'refused-1' });
    expect(await linesOf('refused-1')).toEqual([
      expect.objectContaining({ msg: 'rejected', status: 400, code: 'BAD_REQUEST', reason: null }),
    ]);
  });

  test('makes an id where the router gives none that can be logged as it is', async () => {
    const ids = new Set<string | null>();
    for (const given of ['', 'two words', '"}', 'x'.repeat(200)]) {
      const response = await post({ query: '{ __typename }' }, given === '' ? {} : { 'x-request-id': given });
      ids.add(response.headers.get('x-request-id'));
    }
    expect(ids.size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });
});
