import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Emulator, startEmulator } from '../../src/emulator';
import { createFifo, type Fifo } from '../support/fifo';
import { mainEnv } from '../support/main';
import { describeWith } from '../support/optional';
import { ROOT } from '../support/process';
import { ask, ENTITIES, representations, UNLINK, type UnlinkAnswer } from '../support/stack';

interface Line {
  msg?: string;
  lines?: number;
  event?: string;
  outcome?: string;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('dist/main.js, whose stdout', () => {
  let emulator: Emulator;
  let folder: string;
  let fifo: Fifo;
  let child: ChildProcess;
  let url: string;
  let adminUrl: string;

  beforeAll(async () => {
    emulator = await startEmulator();
  });
  afterAll(() => emulator.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'stdout-'));
    fifo = createFifo();
  });
  afterEach(async () => {
    emulator.faults.clear();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    fifo.close();
    rmSync(folder, { recursive: true });
  });

  /** Starts the process, and waits until it is ready. Its ports are chosen here, because nothing reads its log. */
  async function start(output: number, env: Record<string, string> = {}): Promise<void> {
    const [port, adminPort] = [await freePort(), await freePort()];
    [url, adminUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
    const ports = { PORT: String(port), ADMIN_PORT: String(adminPort) };
    const { PATH = '' } = process.env;
    child = spawn(process.execPath, ['dist/main.js'], {
      cwd: ROOT,
      env: { PATH, ...mainEnv(emulator), AUDIT_LOG: join(folder, 'audit.log'), ...ports, ...env },
      stdio: ['ignore', output, output],
    });
    while ((await fetch(`${adminUrl}/readyz`).catch(() => null))?.status !== 200) await pause(10);
  }

  const userIds = (): string[] => emulator.store.users().map(({ profile }) => profile.userId);
  const linkedUser = (): { userId: string; extIdpId: string } => {
    const { profile, identities } = emulator.store.users().find((user) => user.identities.length > 1) ?? {};
    return { userId: profile?.userId ?? '', extIdpId: identities?.[0]?.extIdpId ?? '' };
  };
  const read = (): Promise<unknown> => ask(`${url}/graphql`, ENTITIES, representations(userIds().slice(0, 1)));
  const unlink = (user = linkedUser()) => ask<UnlinkAnswer>(`${url}/graphql`, UNLINK, user);

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${adminUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  }

  async function readUntil(pattern: RegExp): Promise<string> {
    let output = '';
    while (!pattern.test(output)) {
      output += fifo.read();
      await pause(5);
    }
    return output;
  }

  const linesOf = (output: string): Line[] =>
    output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);

  test('is a full pipe that is never read: probes, reads, unlinks and SIGTERM work', async () => {
    fifo.fill();
    await start(fifo.writer);
    emulator.faults.set('unlink-identity', 'latency:500', { times: 1 });
    const inProgress = unlink();
    while (emulator.calls.every(({ route }) => route !== 'POST /api/v3/unlink-identity')) await pause(5);
    for (let count = 0; count < 100; count++) await read();
    expect((await fetch(`${adminUrl}/livez`)).status).toBe(200);
    child.kill('SIGTERM');
    expect((await inProgress).data?.unlinkIdentity?.success).toBe(true);
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
    const audit = linesOf(readFileSync(join(folder, 'audit.log'), 'utf8'));
    expect(audit.map(({ event, outcome }) => outcome ?? event)).toEqual(['unlink.intent', 'acked']);
  }, 30_000);

  test('is a full pipe: counts the lines that it drops, and logs their number once the pipe is read', async () => {
    const filled = fifo.fill();
    await start(fifo.writer);
    while (!((await metric('log_lines_dropped_total')) > 0)) {
      await Promise.all(Array.from({ length: 200 }, read));
    }
    const output = await readUntil(/"msg":"log lines were dropped while stdout was blocked"\}\n/);
    const lines = linesOf(output.slice(filled.length));
    expect(lines.find(({ msg }) => msg === 'log lines were dropped while stdout was blocked')?.lines).toBeGreaterThan(
      0,
    );
    expect(lines[0]?.msg).toBe('ready');
  }, 60_000);

  test('is a full pipe with the audit trail: refuses unlinks until the pipe is read, and sends nothing', async () => {
    await start(fifo.writer, { AUDIT_LOG: 'stdout', LOG_LEVEL: 'error' });
    expect((await unlink()).data?.unlinkIdentity?.success).toBe(true);
    await readUntil(/"unlink.outcome".*\n/);
    const filled = fifo.fill();
    const before = emulator.calls.length;
    const { errors } = await unlink();
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      expect.objectContaining({ code: 'INTERNAL_SERVER_ERROR', outcome: 'NOT_EXECUTED' }),
    ]);
    const sent = emulator.calls.slice(before).map(({ route }) => route);
    expect(sent).not.toContain('POST /api/v3/unlink-identity');
    expect(await metric('audit_failing')).toBe(1);
    let output = fifo.read();
    expect((await unlink()).data?.unlinkIdentity?.success).toBe(true);
    output += await readUntil(/"unlink.outcome".*\n/);
    const events = linesOf(output.slice(filled.length)).flatMap(({ event }) => event ?? []);
    expect(events).toEqual(['unlink.intent', 'unlink.outcome']);
    expect(await metric('audit_failing')).toBe(0);
  }, 30_000);

  test('is a closed pipe: goes on serving, with an audit trail in a file', async () => {
    await start(fifo.writer);
    fifo.closeReader();
    for (let count = 0; count < 20; count++) await read();
    expect((await unlink()).data?.unlinkIdentity?.success).toBe(true);
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  }, 30_000);

  const canMount = ((): boolean => {
    const probe = mkdtempSync(join(tmpdir(), 'mount-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
      execFileSync('umount', [probe]);
      return true;
    } catch {
      return false;
    } finally {
      rmSync(probe, { recursive: true });
    }
  })();

  describeWith(canMount)('is a file on a disk (needs the right to mount)', () => {
    let disk: string;

    beforeEach(() => {
      disk = mkdtempSync(join(tmpdir(), 'disk-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    });
    afterEach(() => {
      execFileSync('umount', ['--lazy', disk]);
      rmSync(disk, { recursive: true });
    });

    test('that is full: goes on serving, and completes its lines when there is space again', async () => {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(56 * 1024));
      const file = openSync(join(disk, 'log'), 'a');
      await start(file);
      closeSync(file);
      for (let count = 0; count < 100; count++) await read();
      expect((await unlink()).data?.unlinkIdentity?.success).toBe(true);
      expect(statSync(join(disk, 'log')).size).toBeLessThan(9 * 1024);
      rmSync(join(disk, 'ballast'));
      child.kill('SIGTERM');
      await once(child, 'exit');
      expect(child.exitCode).toBe(0);
      const messages = linesOf(readFileSync(join(disk, 'log'), 'utf8')).map(({ msg }) => msg);
      expect(messages.filter((msg) => msg === 'request')).toHaveLength(101);
      expect(messages.at(-1)).toBe('stopped');
    }, 30_000);
  });
});
