import { createServer, type ServerResponse } from 'node:http';
import { createTransport, type Transport, type WireRequest } from '../../src/genauth/transport';
import { listen, stopListening } from '../support/listen';
import { AMPLE } from './transportFixture';

const LARGE = Buffer.alloc(4 * 1024 * 1024, 'x');
const SMALL = Buffer.alloc(256 * 1024, 'x');
/** Number of large responses of 4 MiB that fit into 64 MiB. */
const ROOM = 16;

const toGet = (path: string): WireRequest => ({ method: 'GET', path, headers: [], body: null });

describe('large responses that are received at the same time', () => {
  /** The unfinished responses: all but the last byte has been sent. */
  const unfinished = new Map<string, ServerResponse>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const body = path.includes('small') ? SMALL : LARGE;
    if (!path.includes('chunked')) response.setHeader('content-length', body.length);
    if (path.includes('held')) {
      response.write(body.subarray(1));
      unfinished.set(path, response);
    } else response.end(body);
  });
  let transport: Transport;
  let arrived: string[];

  beforeAll(() => listen(server));
  beforeEach(async () => {
    const { port } = server.address() as { port: number };
    transport = createTransport({
      origin: `http://127.0.0.1:${port}`,
      connectTimeoutMs: AMPLE,
      maxConnections: 2 * ROOM,
    });
    arrived = [];
  });
  afterEach(async () => {
    await transport.close();
    unfinished.clear();
  });
  afterAll(() => stopListening(server));

  async function sendAndRecord(path: string, deadline: AbortSignal): Promise<void> {
    const { body } = await transport.send(toGet(path), { timeoutMs: AMPLE, deadline });
    expect(body).toHaveLength(path.includes('small') ? SMALL.length : LARGE.length);
    arrived.push(path);
  }

  function receive(path: string, deadline = new AbortController().signal): Promise<void> {
    const received = sendAndRecord(path, deadline);
    // A test that fails ends before its requests.
    received.catch(() => undefined);
    return received;
  }

  /** Receives small responses, which takes longer than the process needs for what its sockets already hold. */
  async function receiveSmall(): Promise<void> {
    for (let count = 0; count < 20; count++) await receive(`/small/${count}`);
    arrived = arrived.filter((path) => !path.includes('small'));
  }

  function finish(path: string): void {
    unfinished.get(path)?.end('x');
  }

  /** Starts as many responses as fit, and leaves them unfinished. @returns Their paths, and functions that abort them. */
  async function fill(
    kind: string,
  ): Promise<{ paths: string[]; abort: (index: number) => void; all: Promise<void>[] }> {
    const paths = Array.from({ length: ROOM }, (_, index) => `/${kind}/held/${index}`);
    const controllers = paths.map(() => new AbortController());
    const all = paths.map((path, index) => receive(path, controllers[index]?.signal));
    while (unfinished.size < ROOM) await receiveSmall();
    await receiveSmall();
    return { paths, abort: (index) => controllers[index]?.abort(), all };
  }

  test.each(['measured', 'chunked'])(
    'wait in the order of arrival while 64 MiB of %s responses are incomplete, and small ones do not wait',
    async (kind) => {
      const { paths, all } = await fill(kind);
      const first = receive('/first');
      await receiveSmall();
      const second = receive('/second');
      await receiveSmall();
      expect(arrived).toEqual([]);
      finish(paths[3] ?? '');
      await first;
      await receiveSmall();
      await second;
      expect(arrived).toEqual([paths[3], '/first', '/second']);
      for (const path of paths) finish(path);
      await Promise.all(all);
    },
  );

  test('leave their room to others when they are aborted, or when the connection is lost', async () => {
    const { paths, abort, all } = await fill('measured');
    const first = receive('/first');
    const lost = Promise.allSettled(all);
    await receiveSmall();
    expect(arrived).toEqual([]);
    abort(0);
    await first;
    unfinished.get(paths[1] ?? '')?.destroy();
    await Promise.all([receive('/second'), receive('/third')]);
    for (const path of paths) finish(path);
    expect((await lost).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      ...Array<string>(ROOM - 2).fill('fulfilled'),
    ]);
  });

  test('need no room if they are aborted while they wait', async () => {
    const { paths, all } = await fill('measured');
    const given = new AbortController();
    const first = receive('/first', given.signal);
    await receiveSmall();
    const second = receive('/second');
    await receiveSmall();
    given.abort();
    await expect(first).rejects.toMatchObject({ reason: 'deadline' });
    await receiveSmall();
    expect(arrived).toEqual([]);
    finish(paths[0] ?? '');
    await second;
    for (const path of paths) finish(path);
    await Promise.all(all);
  });
});
