import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { freePort } from '../support/listen';

const BINARY = '/usr/bin/redis-server';

/** For `describeWith`. Valkey speaks the protocol of Redis, and Debian packages Redis. */
export const hasRedis = existsSync(BINARY);

/** A Redis server for one test, which can be killed and frozen. */
export interface RedisServer {
  readonly port: number;
  /** Starts an empty server, always on the same port, and waits until it accepts connections. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Stops the process, so that connections are accepted and get no response. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export interface RedisOptions {
  password?: string;
  /** Bytes. Beyond them Redis refuses to write. */
  maxMemory?: number;
}

export async function createRedisServer({ password, maxMemory }: RedisOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  let child: ChildProcessByStdio<null, Readable, null> | null = null;
  const kill = async (): Promise<void> => {
    if (child === null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    child = null;
  };
  return {
    port,
    kill,
    async start() {
      const options = [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        folder,
        '--save',
        '',
        '--appendonly',
        'no',
      ];
      if (password !== undefined) options.push('--requirepass', password);
      if (maxMemory !== undefined) options.push('--maxmemory', String(maxMemory), '--maxmemory-policy', 'noeviction');
      const started = spawn(BINARY, options, { stdio: ['ignore', 'pipe', 'inherit'] });
      child = started;
      let output = '';
      started.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      while (!output.includes('Ready to accept connections')) {
        if (started.exitCode !== null) throw new Error(`redis-server ended:\n${output}`);
        await Promise.race([once(started.stdout, 'data'), once(started, 'close')]);
      }
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}
