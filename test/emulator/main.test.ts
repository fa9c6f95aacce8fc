import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
// Loaded into the process itself, because the tsx command is a parent process that would receive the signals.
const TSX = ['--import', 'tsx'];

// Each child compiles the emulator, and the machine may be busy.
jest.setTimeout(60_000);

const NO_KEY = { GENAUTH_ACCESS_KEY_ID: '', GENAUTH_ACCESS_KEY_SECRET: '', GENAUTH_USERPOOL_ID: '' };

interface Run {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  exit: Promise<number | null>;
}

const running = new Set<ChildProcess>();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emulator-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

function run(...args: string[]): Run {
  return runWith({}, ...args);
}

function runWith(variables: Record<string, string>, ...args: string[]): Run {
  const child = spawn(process.execPath, [...TSX, 'src/emulator/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...NO_KEY, ...variables },
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return { child, stdout: () => stdout, stderr: () => stderr, exit };
}

/** Waits for the complete introduction, and reads its KEY=VALUE lines. */
async function ready({ child, stdout, stderr }: Run): Promise<Record<string, string>> {
  while (!stdout().includes('Stop it with')) {
    if (child.exitCode !== null) throw new Error(`exited early: ${stderr()}`);
    await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), once(child, 'close')]);
  }
  const lines = [...stdout().matchAll(/^([A-Z_]+)=(.+)$/gm)];
  return Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]));
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function fetchToken(
  env: Record<string, string>,
): Promise<{ statusCode: number; data?: { access_token: string } }> {
  const response = await fetch(`${env['GENAUTH_HOST']}/api/v3/get-management-token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      accessKeyId: env['GENAUTH_ACCESS_KEY_ID'],
      accessKeySecret: env['GENAUTH_ACCESS_KEY_SECRET'],
    }),
  });
  return (await response.json()) as { statusCode: number; data?: { access_token: string } };
}

describe('the emulator command', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'prints its address and keys, serves, and exits 0 on %s',
    async (signal) => {
      const emulator = run('--port', '0');
      const env = await ready(emulator);
      expect(Object.keys(env)).toEqual([
        'GENAUTH_HOST',
        'GENAUTH_ACCESS_KEY_ID',
        'GENAUTH_ACCESS_KEY_SECRET',
        'GENAUTH_USERPOOL_ID',
      ]);
      expect(emulator.stdout()).toContain(`listening on ${env['GENAUTH_HOST']}`);
      expect(emulator.stdout()).toMatch(
        /6229ffa1c05e6bfcade3e3d1 +张三: wechat \(openid\), wechat \(unionid\), github/,
      );
      expect((await fetchToken(env)).statusCode).toBe(200);
      emulator.child.kill(signal);
      expect([await emulator.exit, emulator.stderr()]).toEqual([0, '']);
    },
  );

  test('accepts a seed, faults and switches', async () => {
    const seed = {
      extIdps: [{ id: 'a'.repeat(24), name: 'Mine', type: 'oidc' }],
      users: [{ id: 'b'.repeat(24), name: 'Seeded', identities: [{ extIdpId: 'a'.repeat(24), userIdInIdp: '1' }] }],
    };
    const emulator = run(
      ...['--port', '0', '--host', '127.0.0.1', '--seed', file('seed.json', JSON.stringify(seed))],
      ...['--fault', 'get-user=http-502', '--fault', 'get-user=latency:1', '--fault', '*=envelope-503'],
      ...['--fault', 'get-user-batch@6229ffa1c05e6bfcade3e3d1=http-500'],
      ...['--switch', 'unlinkMissing=404', '--switch', 'qps=7'],
    );
    const { GENAUTH_HOST: url } = await ready(emulator);
    expect(emulator.stdout()).toMatch(/bbbbbb +Seeded: oidc\n/);
    expect(await (await fetch(`${url}/emulator/faults`)).json()).toEqual({
      'GET /api/v3/get-user': [{ fault: 'http-502' }, { fault: 'latency:1' }],
      '*': [{ fault: 'envelope-503' }],
      'GET /api/v3/get-user-batch': [{ fault: 'http-500', userId: '6229ffa1c05e6bfcade3e3d1' }],
    });
    expect(await (await fetch(`${url}/emulator/switches`)).json()).toMatchObject({ unlinkMissing: '404', qps: 7 });
    emulator.child.kill('SIGTERM');
    expect(await emulator.exit).toBe(0);
  });

  test('keeps the digits of a seed’s large numbers, and lists raw rows', async () => {
    const seed = `{"extIdps":[],"users":[{"id":"${'b'.repeat(24)}","rawIdentities":[null,{"provider":12345678901234567890}]}]}`;
    const emulator = run('--port', '0', '--seed', file('raw.json', seed));
    await ready(emulator);
    expect(emulator.stdout()).toMatch(/bbbbbb +no name: unknown, 12345678901234567890\n/);
    emulator.child.kill('SIGTERM');
    expect(await emulator.exit).toBe(0);
  });

  test('uses the access key of the environment, and does not show its secret', async () => {
    const key = { GENAUTH_ACCESS_KEY_ID: 'given', GENAUTH_ACCESS_KEY_SECRET: 'given-secret' };
    const emulator = runWith({ ...key, GENAUTH_USERPOOL_ID: 'given-pool' }, '--port', '0');
    const env = await ready(emulator);
    expect(env).toMatchObject({ GENAUTH_ACCESS_KEY_ID: 'given', GENAUTH_USERPOOL_ID: 'given-pool' });
    expect(emulator.stdout()).not.toContain('given-secret');
    expect((await fetchToken({ ...env, ...key })).statusCode).toBe(200);
    emulator.child.kill('SIGTERM');
    expect(await emulator.exit).toBe(0);
    const half = runWith({ GENAUTH_ACCESS_KEY_ID: 'given' }, '--port', '0');
    expect([await half.exit, half.stderr()]).toEqual([2, expect.stringContaining('or neither')]);
  });

  test('delays many calls at once without a warning', async () => {
    const emulator = run('--port', '0', '--fault', '*=latency:50');
    const env = await ready(emulator);
    const answers = await Promise.all(Array.from({ length: 30 }, () => fetchToken(env)));
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(30);
    emulator.child.kill('SIGTERM');
    expect([await emulator.exit, emulator.stderr()]).toEqual([0, '']);
  });

  test('describes its options with --help', async () => {
    const help = run('--help');
    expect([await help.exit, help.stderr()]).toEqual([0, '']);
    for (const part of ['--seed FILE', 'reset-after-execute', 'unlinkTypeDefault=all', '/emulator/faults']) {
      expect(help.stdout()).toContain(part);
    }
  });

  const secret = 'sensitive-value';
  const users = (identities: unknown) => JSON.stringify({ extIdps: [], users: [{ identities }] });

  const twins = {
    extIdps: [{ id: 'a', name: 'A', type: 'oidc' }],
    users: [1, 2].map(() => ({ identities: [{ extIdpId: 'a', userIdInIdp: secret }] })),
  };

  test.each<[string, () => string[]]>([
    ["Unknown option '--bad'", () => ['--bad']],
    ['--port must be a number from 0 to 65535', () => ['--port', '70000']],
    ['--fault must be ROUTE=FAULT', () => ['--fault', 'unlink-identity']],
    ['--fault: unknown route "nowhere"', () => ['--fault', 'nowhere=empty']],
    ['--fault: unknown fault "boom"', () => ['--fault', 'get-user=boom']],
    ['--switch must be NAME=VALUE', () => ['--switch', 'qps']],
    ['--switch: switch "qps" must be a number from 0', () => ['--switch', 'qps=fast']],
    ['--seed: cannot read the file: ENOENT', () => ['--seed', join(folder, 'missing.json')]],
    ['--seed: cannot read the file: it is not JSON', () => ['--seed', file('text.json', secret)]],
    ['--seed: seed.extIdps must be a list', () => ['--seed', file('empty.json', '{}')]],
    [
      '--seed: seed.users[0].identities[0].userIdInIdp must be a text',
      () => ['--seed', file('row.json', users([{ extIdpId: secret }]))],
    ],
    [
      '--seed: seed.users[0].identities[0].extIdpId must be the id of one of seed.extIdps',
      () => ['--seed', file('source.json', users([{ extIdpId: secret, userIdInIdp: secret }]))],
    ],
    [
      '--seed: seed.users[1].identities[0] must be an identity that no other user holds',
      () => ['--seed', file('twins.json', JSON.stringify(twins))],
    ],
    [
      '--seed: seed.users[0].identities[0] has no "token"; it has',
      () => ['--seed', file('field.json', users([{ extIdpId: secret, userIdInIdp: 'x', token: secret }]))],
    ],
  ])('exits 2 and says: %s', async (message, args) => {
    const failed = run(...args());
    expect(await failed.exit).toBe(2);
    expect(failed.stderr()).toContain(message);
    expect(failed.stderr()).not.toContain(secret);
    expect(failed.stdout()).toBe('');
  });

  test('exits 1 when its port is taken', async () => {
    const first = run('--port', '0');
    const { GENAUTH_HOST: url = '' } = await ready(first);
    const second = run('--port', new URL(url).port);
    expect(await second.exit).toBe(1);
    expect(second.stderr()).toContain('EADDRINUSE');
    first.child.kill('SIGTERM');
    await first.exit;
  });
});
