import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { readAudit } from '../../src/audit';
import { createSigningKey, type Issuer, startIssuer } from '../../test/support/issuer';
import { strictEnv } from '../../test/support/stack';
import { readStartArgs } from '../../test/support/start';
import { generateLoad } from '../generator';
import { ServerProcess, WorkerProcess } from '../processes';
import { ROOT } from '../root';
import { type BulkOptions, runBulks } from './bulk';
import type { EmulatorAddress } from './emulator';
import type { Observation } from './report';
import { type MixOptions, RequestMix, type Tally } from './requests';
import { type Metrics, type Sample, scrape, toSample } from './samples';

export interface ObserveOptions {
  minutes: number;
  /** Requests per second. */
  rate: number;
  /** For logs and the audit trail. */
  folder: string;
  /** Ends the run early. */
  signal: AbortSignal;
  onSample: (sample: Sample, tally: Tally) => void;
}

const SAMPLE_MS = 10_000;
const TICK_MS = 200;
/** Longer than the process keeps an idle connection to GenAuth. */
const REST_MS = 45_000;
/** More than are needed at once. The pool opens a connection only when all others are busy. */
const CONNECTIONS = 128;
const MAX_ERRORS = 20;
/** Users whom only bulks unlink, so that a bulk knows what to expect. */
const BULK_USERS = 400;

/** Puts the subgraph under load, and observes it until it has exited. */
export async function observe(options: ObserveOptions): Promise<Observation> {
  const auditLog = join(options.folder, 'audit.jsonl');
  const issuer = await startIssuer();
  const worker = await WorkerProcess.start<null, EmulatorAddress>('soak/emulator');
  const emulator = await worker.ask(null);
  const env = {
    ...strictEnv(issuer),
    PORT: '0',
    ADMIN_PORT: '0',
    GENAUTH_HOST: emulator.url,
    GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
    GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
    AUDIT_LOG: auditLog,
    DRAIN_DELAY_MS: '0',
  };
  const server = await ServerProcess.start(readStartArgs(ROOT), env, join(options.folder, 'subgraph.log'));
  const { url } = server;
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 });
  const token = createTokens(issuer);
  const mixed = { ...emulator, userIds: emulator.userIds.slice(BULK_USERS) };
  const mix = new RequestMix(pool, { ...mixed, url, token });
  const bulk = { ...emulator, userIds: emulator.userIds.slice(0, BULK_USERS), url, token: () => token('operator') };
  const seen = await load(server, pool, mix, { ...options, bulk });
  const exitCode = await server.stop('SIGTERM');
  const { unsettled } = await readAudit(auditLog);
  await issuer.close();
  return {
    ...seen,
    errors: await readErrors(server.log),
    exitCode,
    openUnlinks: unsettled.filter(({ kind }) => kind === 'open').length,
  };
}

type Load = Omit<Observation, 'errors' | 'exitCode' | 'openUnlinks'>;

async function load(
  server: ServerProcess,
  pool: Pool,
  mix: RequestMix,
  { minutes, rate, signal, folder, onSample, bulk }: ObserveOptions & { bulk: Omit<BulkOptions, 'folder' | 'isOver'> },
): Promise<Load> {
  const { adminUrl = '' } = server.ready;
  const before = toSample(await scrape(adminUrl), 0);
  const startedAt = performance.now();
  const end = startedAt + minutes * 60_000;
  const isOver = (): boolean => signal.aborted || server.hasEnded || performance.now() >= end;
  const samples = [before];
  const sample = async (): Promise<void> => {
    for (let next = startedAt + SAMPLE_MS; !isOver(); await pause(TICK_MS)) {
      if (performance.now() < next) continue;
      next += SAMPLE_MS;
      const metrics = await scrape(adminUrl).catch(() => null);
      // The process is exiting.
      if (metrics === null) continue;
      const taken = toSample(metrics, (performance.now() - startedAt) / 60_000);
      samples.push(taken);
      onSample(taken, mix.tally);
    }
  };
  const [bulks] = await Promise.all([
    runBulks({ ...bulk, folder, isOver }),
    sample(),
    generateLoad({ connections: CONNECTIONS, rate, isOver, send: (_number, dueAt) => mix.send(dueAt) }),
  ]);
  await pool.close();
  const metrics = await rest(server, adminUrl, before.resources);
  const minute = samples.at(-1)?.minute ?? 0;
  return {
    rate,
    samples,
    warmUp: Math.min(Math.max(minute / 5, 2), minute / 2),
    atRest: { before: before.resources, after: toSample(metrics, minute).resources },
    metrics,
    tally: mix.tally,
    bulks,
  };
}

/** Waits until the process has no more resources than before the load, or long enough to call the difference a leak. */
async function rest(server: ServerProcess, adminUrl: string, resources: number): Promise<Metrics> {
  const until = performance.now() + REST_MS;
  for (;;) {
    if (server.hasEnded) return new Map();
    const metrics = await scrape(adminUrl).catch(() => new Map<string, number>());
    if (toSample(metrics, 0).resources <= resources || performance.now() > until) return metrics;
    await pause(1_000);
  }
}

/** Reads the first errors that the process has logged, shortened. Expected failures are logged at lower levels. */
async function readErrors(log: string): Promise<string[]> {
  const errors: string[] = [];
  for await (const line of createInterface({ input: createReadStream(log) })) {
    if (/^\{"level":[56]0/.test(line) && errors.length < MAX_ERRORS) errors.push(line.slice(0, 500));
  }
  return errors;
}

const TOKEN_LIFE_MS = 60_000;

/** Creates access tokens, and new ones every minute, so that a leak in the cache of tokens would add up. */
function createTokens(issuer: Issuer): MixOptions['token'] {
  const key = createSigningKey('of another issuer');
  const scopes = { operator: 'identity:read identity:unlink', reader: 'identity:read', unknownIssuer: 'identity:read' };
  let tokens: Record<keyof typeof scopes, string> | undefined;
  let createdAt = 0;
  return (of) => {
    if (tokens === undefined || performance.now() - createdAt > TOKEN_LIFE_MS) {
      createdAt = performance.now();
      tokens = {
        operator: issuer.token({ scope: scopes.operator }),
        reader: issuer.token({ scope: scopes.reader }),
        unknownIssuer: issuer.token({ scope: scopes.unknownIssuer }, { key }),
      };
    }
    return tokens[of];
  };
}
