import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Emulator, startEmulator } from '../../src/emulator';
import { BODY, BROKEN_BODIES, BROKEN_HEADERS, LENGTH, raw, SMUGGLED } from '../http/strangeBytes';
import { send } from '../support/rawHttp';
import { type Main, preload, startMain } from '../support/main';
import { ask } from '../support/stack';

/** Prints the time limits of the GraphQL listener for a request to arrive, and divides them by 50. */
const HURRY = preload(`import http from 'node:http';
  const { createServer } = http;
  http.createServer = (options, listener) => {
    if (options.headersTimeout === undefined) return createServer(options, listener);
    const server = createServer({ ...options, connectionsCheckingInterval: 20 }, listener);
    return server.once('listening', () => {
      process.stdout.write('waits ' + server.headersTimeout + ' and ' + server.requestTimeout + '\\n');
      server.headersTimeout /= 50;
      server.requestTimeout /= 50;
    });
  };`);

const CONNECTIONS = 4_096;

describe('dist/main.js', () => {
  let emulator: Emulator;
  let main: Main;

  beforeAll(async () => {
    emulator = await startEmulator();
    main = await startMain(emulator, {}, [HURRY]);
  });
  afterAll(async () => {
    await main.stop('SIGKILL');
    await emulator.close();
  });

  const typename = () => ask(`${main.url}/graphql`, '{ __typename }');

  async function open(): Promise<Socket> {
    const { hostname, port } = new URL(main.url);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  test('responds to malformed and ambiguous requests with one rejection in JSON, and serves nothing behind them', async () => {
    const cases = [...BROKEN_HEADERS, ...BROKEN_BODIES];
    expect(cases.length).toBeGreaterThan(40);
    for (const [what, bytes, status] of cases) {
      const answers = await send(main.url, Buffer.from(bytes + SMUGGLED, 'latin1'));
      expect([what, answers.map((answer) => answer.status)]).toEqual([what, [status]]);
      expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({
        errors: [{ extensions: { code: expect.any(String) } }],
      });
    }
    expect(emulator.calls).toEqual([]);
  });

  test.each([
    ['header', raw([LENGTH], '').slice(0, 40), 10_000],
    ['body', raw([LENGTH], BODY.slice(0, 9)), 15_000],
  ])('closes a connection whose %s does not arrive in time, and serves others meanwhile', async (_what, bytes, ms) => {
    expect(main.output()).toMatch(new RegExp(`^waits .*\\b${ms}\\b`, 'm'));
    const slow = send(main.url, bytes);
    expect((await typename()).status).toBe(200);
    const answers = await slow;
    expect(answers.map(({ status, headers }) => [status, headers.get('connection')])).toEqual([[408, 'close']]);
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  test('keeps running after a client sends CONNECT and resets the connection', async () => {
    for (let round = 0; round < 5; round++) {
      const socket = await open();
      socket.write('CONNECT sentinel:443 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
      await once(socket, 'data');
      socket.resetAndDestroy();
    }
    expect((await typename()).status).toBe(200);
    expect(main.output()).not.toContain('uncaughtException');
  });

  test('keeps connections open longer than load balancers and routers do', async () => {
    const { headers } = await typename();
    expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(60);
  });

  test(`accepts and serves ${CONNECTIONS} connections, and drops one more`, async () => {
    const unhurried = await startMain(emulator);
    main.child.kill();
    main = unhurried;
    const sockets: Socket[] = [];
    while (sockets.length < CONNECTIONS) {
      // The last place is kept free: a connection that has not authenticated makes room for the next one.
      const size = Math.min(256, Math.max(CONNECTIONS - 1 - sockets.length, 1));
      const more = await Promise.all(Array.from({ length: size }, open));
      for (const socket of more) socket.write(raw([LENGTH], BODY));
      await Promise.all(more.map((socket) => once(socket, 'data')));
      sockets.push(...more);
    }
    const oneMore = await open();
    oneMore.write(raw([LENGTH], BODY));
    await new Promise((resolve) => oneMore.once('close', resolve));
    expect(oneMore.bytesRead).toBe(0);
    expect((await fetch(`${main.adminUrl}/livez`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    // The process notices the closed connections a moment later.
    while ((await typename().catch(() => null))?.status !== 200);
  });
});
