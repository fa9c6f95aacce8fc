import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Example, runExample, startExample } from '../support/example';
import { freePort, listen, stopListening } from '../support/listen';
import { describeWith } from '../support/optional';

/** The origins of all parts of the example. */
function originsOf(example: Example): string[] {
  const [, payload = ''] = example.operator.token.split('.');
  const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iss: string };
  const subgraph = JSON.parse(/^\{.*"msg":"ready".*\}$/m.exec(example.output())?.[0] ?? '') as {
    url: string;
    adminUrl: string;
  };
  const { port } = new URL(example.pageUrl);
  return [`http://127.0.0.1:${port}`, example.pageUrl, example.emulatorUrl, iss, subgraph.url, subgraph.adminUrl];
}

/** Returns those of the URLs at which something listens. */
async function open(urls: readonly string[]): Promise<string[]> {
  const responses = await Promise.all(urls.map((url) => fetch(url).catch(() => null)));
  return urls.filter((_url, index) => responses[index] !== null);
}

// A start takes 3 s of one core.
jest.setTimeout(60_000);

const isLinux = existsSync('/proc/self/task');

/** Returns the id of the process of the subgraph. Linux only. */
function subgraphOf({ child: { pid } }: Example): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

describe('the process of npm run example', () => {
  test('uses PORT, says so if the port is in use, and releases all ports on Ctrl+C', async () => {
    const port = String(await freePort());
    const example = await startExample({ PORT: port });
    expect(example.pageUrl).toBe(`http://localhost:${port}/`);
    const origins = originsOf(example);
    expect(await open(origins)).toEqual(origins);

    const second = runExample({ PORT: port });
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(`Port ${port} is in use. Choose another: PORT=4100 npm run example`);
    expect(await open(origins)).toEqual(origins);

    // A terminal repeats the signal while the keys are held.
    example.child.kill('SIGINT');
    expect(await example.stop('SIGINT')).toBe(0);
    expect(await open(origins)).toEqual([]);
  });

  test('says so if another program has the port at the other address of localhost', async () => {
    const server = createServer();
    const hasIpv6 = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
    });
    if (!hasIpv6) return;
    const { port } = server.address() as { port: number };
    const example = runExample({ PORT: String(port) });
    expect(await example.exited).toBe(1);
    expect(example.output()).toContain(`Port ${port} is in use`);
    await stopListening(server);
  });

  test.each([
    ['SIGINT', 'before the subgraph does', /Starting/],
    ['SIGTERM', 'before the subgraph does', /Starting/],
    ['SIGINT', 'after the subgraph did', /"msg":"ready"/],
  ] as const)('ends with code 0 on %s while it starts, %s', async (signal, _when, output) => {
    const port = await freePort();
    const example = runExample({ PORT: String(port) });
    await example.waitFor(output);
    expect(await example.stop(signal)).toBe(0);
    const server = createServer();
    await listen(server, port);
    await stopListening(server);
  });

  test.each([
    ['PORT is not a port', { PORT: 'http' }, [], 'PORT must be a number from 0 to 65535'],
    ['there are arguments', {}, ['--port', '4100'], 'PORT=4100 npm run example'],
  ] as const)('ends with code 1 and a message if %s', async (_when, env, args, message) => {
    const example = runExample(env, args);
    expect(await example.exited).toBe(1);
    expect(example.output()).toContain(message);
  });

  test('responds with 503 while it starts', async () => {
    const port = await freePort();
    const example = runExample({ PORT: String(port) });
    await example.waitFor(/"msg":"ready"|Starting/);
    let response: Response | null = null;
    while (response === null) response = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await example.stop()).toBe(0);
  });
});

describeWith(isLinux, isLinux)('the processes of npm run example (on Linux)', () => {
  test('end with code 1 and a message if the subgraph ends', async () => {
    // Variables for a real user pool have no effect.
    const example = await startExample({ GENAUTH_HOST: 'https://127.0.0.1:9', AUTH_MODE: 'none', VALKEY_URL: 'x' });
    process.kill(subgraphOf(example), 'SIGKILL');
    expect(await example.exited).toBe(1);
    expect(example.output()).toContain('The identities subgraph ended');
    expect(await open(originsOf(example))).toEqual([]);
  });

  test('release all ports if the first one is killed', async () => {
    const example = await startExample();
    await example.stop('SIGKILL');
    const origins = originsOf(example);
    while ((await open(origins)).length > 0) await pause(50);
    expect(await open(origins)).toEqual([]);
  });
});
