import { request, send } from '../support/rawHttp';
import { type Stack, startStack } from '../support/stack';

describe('the IDE', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ env: { INTROSPECTION: 'on' } });
  });
  afterAll(() => stack.close());

  const get = (path: string, method = 'GET') => fetch(`${stack.subgraph.url}${path}`, { method });

  test.each(['/', '/ide/main.js', '/favicon.ico'])('cannot be shown in a frame of another site: %s', async (path) => {
    const { status, headers } = await get(path);
    expect([status, headers.get('content-security-policy'), headers.get('x-frame-options')]).toEqual([
      200,
      "frame-ancestors 'none'",
      'DENY',
    ]);
  });

  test.each(['/', '/favicon.ico'])('responds to HEAD as to GET, without the body: %s', async (path) => {
    const [whole, head] = [await get(path), await get(path, 'HEAD')];
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['content-type', 'content-length']) expect(head.headers.get(name)).toBe(whole.headers.get(name));
    expect((await whole.arrayBuffer()).byteLength).toBe(Number(whole.headers.get('content-length')));
  });

  test('is found under a loopback name in any case, and under no other name', async () => {
    const statuses = [];
    for (const host of ['LocalHost', 'LOCALHOST:4001', '[::1]:4001', 'example.com', 'localhost.example.com']) {
      const [response] = await send(stack.subgraph.url, request('/', [], '', 'GET').replace('subgraph', host));
      statuses.push(response?.status);
    }
    expect(statuses).toEqual([200, 200, 200, 421, 421]);
  });
});
