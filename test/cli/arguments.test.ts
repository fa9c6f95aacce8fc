import { createServer, type RequestListener, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { readArguments } from '../../src/cli/arguments';
import { freePort, listen, stopListening } from '../support/listen';
import { start } from './cli';

const URL = 'http://127.0.0.1:9/graphql';
const run = (args: readonly string[], env: Record<string, string> = {}) => start(args, env).ended;

describe('the command line of identities', () => {
  test.each([
    [[], /Give a command/],
    [['remove'], /There is no command "remove"/],
    [['list'], /list needs/],
    [['list', 'u', '--frm', 'x'], /--frm/],
    [['list', 'u', '--yes'], /--yes cannot be used/],
    [['list', 'u', '--token', 'secret'], /There is no --token/],
    [['list', 'u', '--token=secret'], /There is no --token/],
    [['find', '--source', 's'], /find needs/],
    [['find', '--source', 's', '--from', 'f', 'a'], /find needs/],
    [['unlink', 'u'], /unlink needs USER and SOURCE/],
    [['unlink', '--source', 's'], /unlink needs both/],
    [['unlink', '--source', 's', '--from', 'f', 'u'], /unlink needs both/],
    [['unlink', '--source', 's', '--from', 'f', '--type', 't'], /--type cannot be used/],
    [['unlink', 'u', 's', '--accounts'], /--accounts cannot be used/],
    [['unlink', '--source', 's', '--from', 'f', '--rate', '0'], /--rate must be/],
    [['unlink', '--source', 's', '--from', 'f', '--rate', 'fast'], /--rate must be/],
    [['unlink', '--source', 's', '--from', 'f', '--reason', ''], /--reason must be/],
    [['unlink', '--source', 's', '--from', 'f', '--reason', 'x'.repeat(201)], /--reason must be/],
    [['unlink', '--source', 's', '--from', 'f', '--reason', 'a\nb'], /--reason must be/],
    [['undo'], /undo needs/],
    [['undo', 'a', 'b'], /undo needs/],
  ])('%j is refused', (args, problem) => {
    expect(() => readArguments(args, { IDENTITIES_URL: URL, IDENTITIES_TOKEN: 't' })).toThrow(problem);
  });

  test('that is refused ends with 2, and its values are not repeated', async () => {
    const { code, stdout, stderr } = await run(['list', 'u', '--token', 'secret'], { IDENTITIES_URL: URL });
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining('There is no --token')]);
    expect(stderr).not.toContain('secret');
  });

  test.each(['', 'localhost:4000', 'ftp://localhost/', 'http://user:secret@localhost/graphql'])(
    'needs an address: %j is refused',
    (url) => {
      const refused = (): unknown => readArguments(['list', 'u'], { IDENTITIES_URL: url });
      expect(refused).toThrow('--url');
      expect(refused).not.toThrow('secret');
    },
  );

  test('is explained by --help', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const word of ['list', 'find', 'unlink', 'undo', '--accounts', '--keep-last', 'IDENTITIES_URL']) {
      expect(stdout).toContain(word);
    }
  });

  test('has the version of the package', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('a server that is no supergraph', () => {
  let server: Server;
  let url: string;
  let respond: RequestListener;
  let requests: number;
  beforeEach(async () => {
    requests = 0;
    server = createServer((request, response) => {
      requests++;
      respond(request, response);
    });
    url = `http://127.0.0.1:${await listen(server)}/graphql`;
  });
  afterEach(() => stopListening(server));

  const list = (at = url) => run(['list', 'u'], { IDENTITIES_URL: at, IDENTITIES_TOKEN: 'secret' });

  test.each([
    ['a page', 200, { 'content-type': 'text/html' }, /HTTP 200 \(text\/html\), which is no GraphQL response/],
    ['404', 404, { 'content-type': 'text/html' }, /HTTP 404/],
    ['405', 405, {}, /HTTP 405 \(no content type\)/],
    ['a redirect', 308, { location: 'https://elsewhere.example/' }, /It redirects to https:\/\/elsewhere.example\//],
  ])('is found out at once: %s', async (_name, status, headers, problem) => {
    respond = (_request, response) => response.writeHead(status, headers).end('<html>secret page</html>');
    const { code, stdout, stderr } = await list();
    expect([code, stdout, stderr, requests]).toEqual([2, '', expect.stringMatching(problem), 1]);
    expect(stderr).not.toContain('secret');
  });

  test.each([
    ['502', 502],
    ['503', 503],
    ['429', 429],
  ])('is tried several times: %s', async (_name, status) => {
    respond = (_request, response) => response.writeHead(status).end('<html>');
    const { code, stderr } = await list();
    expect([code, stderr]).toEqual([1, expect.stringContaining(`HTTP ${status}`)]);
    expect(requests).toBeGreaterThan(2);
  });

  test('does not say to which user an error belongs: users are read one by one', async () => {
    respond = (request, response) => {
      const serve = async (): Promise<void> => {
        const { variables } = (await json(request)) as { variables: { ids: string[] } };
        const identityUsers = variables.ids.map((id) => (id === 'a' ? { id, identities: [] } : null));
        const error = { message: 'invalid', path: ['identityUsers'], extensions: { code: 'BAD_USER_INPUT' } };
        const errors = variables.ids.includes('b') ? [error] : [];
        response.end(JSON.stringify({ data: { identityUsers }, errors }));
      };
      void serve();
    };
    const env = { IDENTITIES_URL: url, IDENTITIES_TOKEN: 't' };
    const { code, stdout, stderr } = await run(['list', 'a', 'b', 'c', '--json'], env);
    expect([code, JSON.parse(stdout)]).toEqual([1, [{ id: 'a', identities: [] }, null, null]]);
    expect(stderr).toBe('b cannot be read (BAD_USER_INPUT).\n');
    expect(requests).toBe(3);
  });

  test('is not allowed: a proxy responds with 403', async () => {
    respond = (_request, response) => response.writeHead(403).end('<html>');
    expect(await list()).toMatchObject({ code: 3, stdout: '' });
  });

  test('cannot be reached', async () => {
    const at = `http://127.0.0.1:${await freePort()}/graphql`;
    const { code, stderr } = await list(at);
    expect([code, stderr]).toEqual([1, `${at} cannot be reached (ECONNREFUSED).\n`]);
  });
});
