import { once } from 'node:events';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Issuer, startIssuer } from '../support/issuer';
import { send } from '../support/rawHttp';
import { credentials, type Stack, startStack, UNLINK } from '../support/stack';
import { startImpatient } from './impatient';
import { BODY, LENGTH, raw, SMUGGLED } from './strangeBytes';

const REQUEST = raw([LENGTH], BODY);

interface Client {
  socket: Socket;
  /** Everything that was received so far. */
  received: () => string;
  closed: Promise<void>;
}

/** @param allowHalfOpen Whether the client keeps sending after the server has closed its side. */
async function open(origin: string, allowHalfOpen = false): Promise<Client> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen }).on('error', () => undefined);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  return { socket, received: () => received, closed };
}

async function untilReceived({ received }: Client, pattern: RegExp): Promise<void> {
  while (!pattern.test(received())) await pause(5);
}

const statusesOf = ({ received }: Client) =>
  received()
    .match(/HTTP\/1\.1 \d+/g)
    ?.map((line) => line.slice(9)) ?? [];

describe('a connection without a request', () => {
  let stack: Stack;

  afterEach(() => stack.close());

  test('is closed after KEEP_ALIVE_MS without a response', async () => {
    stack = await startStack({ env: { KEEP_ALIVE_MS: '1000' } });
    const unused = await open(stack.subgraph.url);
    const used = await open(stack.subgraph.url);
    used.socket.write(REQUEST);
    await Promise.all([unused.closed, used.closed]);
    expect([unused.received(), statusesOf(used)]).toEqual(['', ['200']]);
    expect(used.received()).toContain('Keep-Alive: timeout=1\r\n');
  });

  test('is not affected by the time limit for headers', async () => {
    ({ stack } = await startImpatient());
    const client = await open(stack.subgraph.url);
    await pause(500);
    client.socket.write(REQUEST);
    await untilReceived(client, /"Query"/);
    await pause(500);
    client.socket.write(REQUEST);
    await untilReceived(client, /"Query".*"Query"/s);
    expect(statusesOf(client)).toEqual(['200', '200']);
    client.socket.destroy();
  });

  test('has the time limit for headers from its first byte on', async () => {
    ({ stack } = await startImpatient());
    const client = await open(stack.subgraph.url);
    await pause(500);
    client.socket.write(REQUEST.slice(0, 40));
    await client.closed;
    expect(statusesOf(client)).toEqual(['408']);
  });
});

describe('a connection without an authenticated request', () => {
  let issuer: Issuer;
  let stack: Stack;
  let valid: string[];

  beforeAll(async () => {
    issuer = await startIssuer();
    stack = await startStack({ issuer });
    valid = Object.entries(credentials(issuer.token())).map(([name, value]) => `${name}: ${value}`);
  });
  afterAll(async () => {
    await stack.close();
    await issuer.close();
  });

  async function dropped(): Promise<number> {
    const metrics = await (await fetch(`${stack.subgraph.adminUrl}/metrics`)).text();
    return Number(/^http_connections_dropped_total\{reason="unauthenticated"\} (\d+)$/m.exec(metrics)?.[1]);
  }

  test('gets 401, and is closed', async () => {
    const client = await open(stack.subgraph.url);
    client.socket.write(REQUEST);
    await client.closed;
    expect(statusesOf(client)).toEqual(['401']);
    expect(client.received()).toContain('connection: close\r\n');
  });

  test('is closed after its 401 even if the client keeps its side open', async () => {
    const { hostname, port } = new URL(stack.subgraph.url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    socket.on('error', () => undefined).resume();
    socket.write(REQUEST);
    await once(socket, 'end');
    // The client notices by an error that the server does not read any more.
    for (; !socket.destroyed; await pause(50)) socket.write('x');
    expect(socket.bytesRead).toBeGreaterThan(0);
  });

  test('stays open after a 401 if an earlier request was authenticated', async () => {
    const client = await open(stack.subgraph.url);
    for (const [index, headers] of [valid, [], valid].entries()) {
      client.socket.write(raw([...headers, LENGTH], BODY));
      while (statusesOf(client).length <= index) await pause(5);
    }
    client.socket.destroy();
    expect(statusesOf(client)).toEqual(['200', '401', '200']);
  });

  test('makes room for a new one when there are too many', async () => {
    const router = await open(stack.subgraph.url);
    router.socket.write(raw([...valid, LENGTH], BODY));
    await untilReceived(router, /"Query"/);
    const before = await dropped();
    const idle: Client[] = [];
    while (idle.length < 1_100) {
      idle.push(...(await Promise.all(Array.from({ length: 100 }, () => open(stack.subgraph.url)))));
    }
    await Promise.all(idle.slice(0, 50).map(({ closed }) => closed));
    // 1 024 of 1 100 may stay.
    while ((await dropped()) < before + 76) await pause(10);
    expect(idle.at(-1)?.socket.destroyed).toBe(false);
    router.socket.write(raw([...valid, LENGTH], BODY));
    await untilReceived(router, /"Query".*"Query"/s);
    expect((await stack.ask('{ __typename }', {}, credentials(issuer.token()))).status).toBe(200);
    for (const { socket } of [router, ...idle]) socket.destroy();
  });

  test('gets no 100 Continue', async () => {
    const responses = await send(stack.subgraph.url, raw(['expect: 100-continue', LENGTH], ''));
    expect(responses.map(({ status }) => status)).toEqual([401]);
  });
});

describe('a client', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());
  beforeEach(() => stack.emulator.clearCalls());
  afterEach(() => stack.emulator.faults.clear());

  const unlinkRequest = (lines: readonly string[] = []): string => {
    const user = stack.emulator.store.users().find(({ identities }) => identities.length > 0);
    const variables = { userId: user?.profile.userId, extIdpId: user?.identities[0]?.extIdpId };
    const body = JSON.stringify({ query: UNLINK, variables });
    return raw([...lines, `content-length: ${body.length}`], body);
  };

  test('that closes its side after the request gets the response', async () => {
    stack.emulator.faults.set('unlink-identity', 'latency:100');
    const client = await open(stack.subgraph.url);
    client.socket.end(unlinkRequest());
    await client.closed;
    expect(statusesOf(client)).toEqual(['200']);
    expect(client.received()).toContain('"success":true');
  });

  test('that asks for an upgrade gets one response, and nothing for requests behind it', async () => {
    const client = await open(stack.subgraph.url);
    client.socket.write(raw(['connection: upgrade', 'upgrade: h2c', LENGTH], BODY) + SMUGGLED);
    await untilReceived(client, /HTTP\/1\.1 200/);
    client.socket.write(SMUGGLED);
    await client.closed;
    expect(statusesOf(client)).toEqual(['200']);
    expect(client.received()).toContain('connection: close\r\n');
    expect(stack.emulator.calls).toEqual([]);
  });

  test.each([
    ['413', 'application/json', {}],
    ['415', 'text/plain', {}],
    ['415', 'application/json', { 'content-encoding': 'zstd' }],
  ])('that is still uploading gets the %s (%s, %j)', async (status, type, headers) => {
    for (let round = 0; round < 15; round++) {
      const upload = http.request(`${stack.subgraph.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': type, ...headers },
      });
      upload.end(Buffer.alloc(12 * 1024 * 1024, 'x'));
      const [response] = (await once(upload, 'response')) as [http.IncomingMessage];
      upload.on('error', () => undefined);
      expect(String(response.statusCode)).toBe(status);
      let body = '';
      for await (const chunk of response) body += String(chunk);
      expect(body).toContain('"outcome":"NOT_EXECUTED"');
    }
  });

  test('that does not stop uploading is cut off', async () => {
    const client = await open(stack.subgraph.url, true);
    client.socket.write(raw(['content-length: 1000000000000'], ''));
    const chunk = Buffer.alloc(256 * 1024, 'x');
    let written = 0;
    while (!client.socket.destroyed) {
      if (client.socket.write(chunk)) written += chunk.length;
      else await Promise.race([once(client.socket, 'drain'), client.closed]).catch(() => undefined);
    }
    // 16 MiB are discarded, and what the kernel and the time between two checks allow.
    expect(written).toBeLessThan(256 * 1024 * 1024);
    expect(statusesOf(client)).toEqual(['413']);
  });
});
