import { readFileSync } from 'node:fs';
import { ConfigError, readConfig, type Config } from './config';
import { exampleOperations } from './examples';
import { createLog } from './log';
import { startSubgraph } from './subgraph';

void main();

async function main(): Promise<void> {
  const config = configOrExit();
  const log = createLog(config.logLevel);
  try {
    const subgraph = await startSubgraph(config, log, exampleOperations());
    const leave = (signal: string): void => {
      log.info({ signal }, 'leaving');
      subgraph.close().catch((err: unknown) => {
        log.error({ err }, 'left badly');
        process.exitCode = 1;
      });
    };
    process.once('SIGTERM', leave);
    process.once('SIGINT', leave);
    log.info({ url: subgraph.url, port: Number(new URL(subgraph.url).port) }, 'ready');
  } catch (err) {
    log.fatal({ err, host: config.host, port: config.port }, 'cannot start');
    process.exitCode = 1;
  }
}

function configOrExit(): Config {
  try {
    return readConfig(process.env, (path) => readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(
      `The environment variables cannot be used:\n${error.problems.map((text) => `  ${text}\n`).join('')}`,
    );
    process.exit(1);
  }
}
