import { readFileSync } from 'node:fs';
import { ConfigError, readConfig } from './config';
import { exampleOperations } from './examples';
import { createLog, type Log } from './log';
import { startSubgraph, type Subgraph } from './subgraph';
import { readTracingOptions, startTracing, type Tracing } from './tracing';
import { readVersion } from './version';

void main();

async function main(): Promise<void> {
  const config = await orExit(() => readConfig(process.env, (path) => readFileSync(path, 'utf8')));
  const log = createLog(config.logLevel);
  const version = readVersion();
  const tracing = await orExit(() => tracingOrNull(version, log));
  let subgraph: Subgraph | undefined;
  const leave = async (): Promise<void> => {
    try {
      // While it starts there is nothing to wait for.
      const inTime = await (subgraph?.leave() ?? true);
      log.info({ inTime }, 'left');
      if (!inTime) process.exitCode = 1;
    } catch (err) {
      log.fatal({ err }, 'cannot leave as it should');
      process.exitCode = 1;
    }
    process.exit();
  };
  // Before anything else begins: process 1 of a container ignores signals that nobody listens to.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'leaving');
      void leave();
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    // What is true of the process is not known any more: it answers what it has begun, and ends.
    process.on(event, (err: unknown) => {
      log.fatal({ err }, event);
      process.exitCode = 1;
      void leave();
    });
  }
  try {
    subgraph = await startSubgraph(config, { log, version, ide: exampleOperations(), tracing });
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

/** Ends the process where the environment is at fault, and says how. */
async function orExit<Result>(read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((text) => `  ${text}\n`).join('');
    process.stderr.write(`The environment variables cannot be used:\n${problems}`);
    process.exit(1);
  }
}
