#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { ConfigError, readConfig } from './config';
import { exampleOperations } from './examples';
import { createLog, type Log } from './log';
import { collectProcessMetrics } from './metrics';
import { Stdout } from './stdout';
import { startSubgraph, type Subgraph } from './subgraph';
import { readTracingOptions, startTracing, type Tracing } from './tracing';
import { readVersion } from './version';

/** How long the process waits at its end for a reader of stdout that is slow or has stopped. */
const STDOUT_CLOSE_MS = 1_000;

void main();

async function main(): Promise<void> {
  const config = await orExit(() => readConfig(process.env, (path) => readFileSync(path, 'utf8')));
  const stdout = new Stdout({
    onResume: (lines) => log.warn({ lines }, 'log lines were dropped while stdout was blocked'),
  });
  process.on('exit', () => stdout.flushSync());
  const log = createLog(config.logLevel, stdout);
  const version = readVersion();
  const tracing = await orExit(() => tracingOrNull(version, log));
  let subgraph: Subgraph | undefined;
  let shutdown: Promise<void> | undefined;
  const shutDown = (): Promise<void> => (shutdown ??= stop());
  const stop = async (): Promise<void> => {
    try {
      // Nothing is in progress while the process starts.
      const inTime = await (subgraph?.shutDown() ?? true);
      log.info({ inTime }, 'stopped');
      if (!inTime) process.exitCode = 1;
    } catch (err) {
      log.fatal({ err }, 'the process did not stop cleanly');
      process.exitCode = 1;
    }
    await stdout.close(STDOUT_CLOSE_MS);
    process.exit();
  };
  // Before the subgraph starts, because the first process of a container ignores signals without a handler.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'stopping');
      void shutDown();
    });
  }
  // By default this signal ends the process at once, even during a write.
  process.on('SIGUSR2', (signal) => log.warn({ signal }, 'signal ignored'));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    // The state of the process is unknown now: it finishes the requests in progress, then exits.
    process.on(event, (err: unknown) => {
      log.fatal({ err }, event);
      process.exitCode = 1;
      void shutDown();
    });
  }
  try {
    subgraph = await startSubgraph(config, {
      log,
      version,
      ide: exampleOperations(),
      tracing,
      processMetrics: collectProcessMetrics(),
      stdout,
    });
    const { url, adminUrl } = subgraph;
    log.info({ url, port: Number(new URL(url).port), adminUrl, adminPort: Number(new URL(adminUrl).port) }, 'ready');
  } catch (err) {
    log.fatal({ err, host: config.host, port: config.port }, 'cannot start');
    process.exit(1);
  }
}

async function tracingOrNull(version: string, log: Log): Promise<Tracing | null> {
  const options = readTracingOptions(process.env);
  if (options === null) return null;
  const onFailure = (err: unknown): void => log.warn({ err }, 'spans cannot be exported');
  return startTracing(options, { version, onFailure });
}

/** Exits with a message if the environment variables are not valid. */
async function orExit<Result>(read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((text) => `  ${text}\n`).join('');
    process.stderr.write(`The environment variables are not valid:\n${problems}`);
    process.exit(1);
  }
}
