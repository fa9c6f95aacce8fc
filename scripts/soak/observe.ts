import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readAudit } from '../../src/identities';
import { createSigningKey, type Issuer, startIssuer } from '../../test/support/issuer';
import { strictEnv } from '../../test/support/stack';
import { drive, type LoadOptions, type Tally } from './load';
import { type EmulatorProcess, startEmulatorProcess, startSubject, type Subject } from './processes';
import type { Observation } from './report';
import { type Metrics, type Sample, scrape, toSample } from './samples';

export interface ObserveOptions {
  minutes: number;
  /** Requests per second. */
  rate: number;
  /** Ends it early, with what was seen so far. */
  signal: AbortSignal;
  /** Told of every sample. */
  onSample: (sample: Sample, tally: Tally) => void;
}

const SAMPLE_MS = 10_000;
const TICK_MS = 200;
/** Longer than the process keeps a connection to GenAuth that it has no use for. */
const REST_MS = 45_000;

/** Puts dist/main.js under load, and looks at it from the beginning to the end. */
export async function observe(options: ObserveOptions): Promise<Observation> {
  const folder = await mkdtemp(join(tmpdir(), 'soak-'));
  const auditLog = join(folder, 'audit.jsonl');
  const issuer = await startIssuer();
  const emulator = await startEmulatorProcess();
  try {
    const subject = await startSubject({
      ...strictEnv(issuer),
      PORT: '0',
      ADMIN_PORT: '0',
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
      AUDIT_LOG: auditLog,
      DRAIN_DELAY_MS: '0',
    });
    const seen = await load(subject, emulator, issuer, options);
    const exitCode = await subject.stop();
    const { open } = await readAudit(auditLog);
    return { ...seen, errors: subject.errors, exitCode, openUnlinks: open.length };
  } finally {
    emulator.stop();
    await issuer.close();
    await rm(folder, { recursive: true });
  }
}

type Seen = Omit<Observation, 'errors' | 'exitCode' | 'openUnlinks'>;

async function load(
  subject: Subject,
  emulator: EmulatorProcess,
  issuer: Issuer,
  options: ObserveOptions,
): Promise<Seen> {
  const { minutes, rate, onSample } = options;
  const { url, adminUrl, ended } = subject;
  const before = toSample(await scrape(adminUrl), 0);
  const time = AbortSignal.timeout(minutes * 60_000);
  const reasons = [options.signal, ended, time];
  const over = (): boolean => reasons.some(({ aborted }) => aborted);
  const tally: Tally = { sent: 0, outcomes: new Map(), codes: new Map(), unanswered: new Map() };
  const samples = [before];
  const startedAt = performance.now();
  const sampling = (async (): Promise<void> => {
    for (let next = startedAt + SAMPLE_MS; !over(); await pause(TICK_MS)) {
      if (performance.now() < next) continue;
      next += SAMPLE_MS;
      const metrics = await scrape(adminUrl).catch(() => null);
      // It has ended, or is about to.
      if (metrics === null) continue;
      const sample = toSample(metrics, (performance.now() - startedAt) / 60_000);
      samples.push(sample);
      onSample(sample, tally);
    }
  })();
  const { userIds, extIdpIds } = emulator;
  await Promise.all([sampling, drive({ url, userIds, extIdpIds, token: tokensOf(issuer), rate, over }, tally)]);
  const metrics = await settle(subject, before.resources);
  const minute = samples.at(-1)?.minute ?? 0;
  return {
    rate,
    samples,
    warmUp: Math.min(Math.max(minute / 5, 2), minute / 2),
    atRest: { before: before.resources, after: toSample(metrics, minute).resources },
    metrics,
    tally,
  };
}

/** Waits until no more keeps the event loop going than did before the load, or long enough to know that it stays so. */
async function settle({ adminUrl, ended }: Subject, resources: number): Promise<Metrics> {
  const until = performance.now() + REST_MS;
  for (;;) {
    if (ended.aborted) return new Map();
    const metrics = await scrape(adminUrl).catch(() => new Map<string, number>());
    if (toSample(metrics, 0).resources <= resources || performance.now() > until) return metrics;
    await pause(1_000);
  }
}

const TOKEN_LIFE_MS = 60_000;

/** Access tokens, new ones every minute: what is kept for each of them would add up. */
function tokensOf(issuer: Issuer): LoadOptions['token'] {
  const key = createSigningKey('of another issuer');
  const scopes = { operator: 'identity:read identity:unlink', reader: 'identity:read', stranger: 'identity:read' };
  let tokens: Record<keyof typeof scopes, string> | undefined;
  let madeAt = 0;
  return (of) => {
    if (tokens === undefined || performance.now() - madeAt > TOKEN_LIFE_MS) {
      madeAt = performance.now();
      tokens = {
        operator: issuer.token({ scope: scopes.operator }),
        reader: issuer.token({ scope: scopes.reader }),
        stranger: issuer.token({ scope: scopes.stranger }, { key }),
      };
    }
    return tokens[of];
  };
}
