import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, readConfig } from './config';
import { type Emulator, startEmulator } from './emulator';
import { exampleOperations } from './examples';
import type { IdeWindow } from './http/ide';
import { createLog, openPrettyStdout } from './log';
import { collectProcessMetrics } from './metrics';
import { startSubgraph } from './subgraph';
import { readVersion } from './version';

void main();

/** Runs the emulator with a seeded user pool and this subgraph in one process. It needs no account and no network. */
async function main(): Promise<void> {
  const emulator = await startEmulator();
  const config = readConfig(
    {
      PORT: process.env['PORT'],
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
      AUTH_MODE: 'none',
      AUDIT_LOG: join(tmpdir(), 'genauth-identity-audit.jsonl'),
      INTROSPECTION: 'on',
      ADMIN_PORT: process.env['ADMIN_PORT'] ?? '0',
      LOG_LEVEL: process.env['LOG_LEVEL'],
    },
    () => '',
  );
  const user = pickUser(emulator);
  const examples = exampleOperations(user);
  try {
    const subgraph = await startSubgraph(config, {
      log: createLog(config.logLevel, openPrettyStdout()),
      version: readVersion(),
      ide: examples,
      processMetrics: collectProcessMetrics(),
    });
    const stop = (): void => {
      process.stdout.write('\nStopped. The user pool was in memory and is gone.\n');
      void subgraph.close().then(() => emulator.close());
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    process.stdout.write(
      welcome(subgraph.url.replace('127.0.0.1', 'localhost'), config, emulator, user.name, examples),
    );
  } catch (error) {
    await emulator.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    process.stderr.write(`Port ${config.port} is in use. Choose another: PORT=4101 npm run dev\n`);
    process.exitCode = 1;
  }
}

/** Returns a user with identities of at least two sources, so that one is left after the example's unlink. */
function pickUser({ store }: Emulator): { userId: string; extIdpId: string; name: string } {
  for (const { profile, identities } of store.users()) {
    const [first, ...others] = identities;
    if (first !== undefined && others.some(({ extIdpId }) => extIdpId !== first.extIdpId)) {
      return { userId: profile.userId, extIdpId: first.extIdpId, name: profile.name ?? profile.userId };
    }
  }
  throw new Error('the seeded user pool has no user with identities of two sources');
}

function welcome(
  url: string,
  { auditLog }: Config,
  emulator: Emulator,
  name: string,
  [read, unlink]: readonly [IdeWindow, IdeWindow],
): string {
  return `
  Subgraph   ${url}/graphql
  IDE        ${url}/
  Emulator   ${emulator.url}, with ${emulator.store.users().length} users
  Audit      ${auditLog}

Read the identities of ${name}, as a router does:

${curl(url, read)}

Unlink ${name} from one identity source:

${curl(url, unlink)}

Stop with Ctrl+C.
`;
}

/** Returns a command on one line, which can be pasted into any POSIX shell. */
function curl(url: string, { query, variables }: IdeWindow): string {
  const document = query.replace(/#.*\n/g, '').replace(/\s+/g, ' ').trim();
  return `curl -s ${url}/graphql -H 'content-type: application/json' -d '${JSON.stringify({ query: document, variables })}'`;
}
