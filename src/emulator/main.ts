#!/usr/bin/env node
import { readCommandLine, UsageError } from './commandLine';
import { help } from './help';
import { type Emulator, startEmulator, type StartOptions } from './index';
import { columnText } from './rows';

/** The number of users that the introduction lists. */
const SHOWN = 15;

async function main(): Promise<void> {
  const options = readCommandLine(process.argv.slice(2), process.env);
  if (options === 'help') return void process.stdout.write(help());
  const emulator = await startEmulator(options);
  // Installed before the introduction is printed, because its reader may send a signal at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close());
  process.stdout.write(introduce(emulator, options));
}

function introduce({ url, accessKeyId, accessKeySecret, userPoolId, store }: Emulator, options: StartOptions): string {
  const users = store.users();
  const lines = users.slice(0, SHOWN).map(({ profile, identities }) => {
    const links = identities.map(describeIdentity);
    return `  ${profile.userId}  ${profile.name ?? profile.username ?? 'no name'}: ${links.join(', ') || 'nothing'}`;
  });
  // A key from the environment may also be valid for the real service.
  const secret = options.accessKey === undefined ? accessKeySecret : '(as in the environment)';
  return `GenAuth emulator listening on ${url}

GENAUTH_HOST=${url}
GENAUTH_ACCESS_KEY_ID=${accessKeyId}
GENAUTH_ACCESS_KEY_SECRET=${secret}
GENAUTH_USERPOOL_ID=${userPoolId}

Users, and what they are linked to (${lines.length} of ${users.length}):
${lines.join('\n')}

Faults and switches can be changed while it runs: see --help. Stop it with Ctrl+C.
`;
}

/** Names an identity by its provider and, unless it is `generic`, its type. Raw rows can lack both. */
function describeIdentity(row: unknown): string {
  const provider = columnText(row, 'provider') ?? 'unknown';
  const type = columnText(row, 'type') ?? 'generic';
  return type === 'generic' ? provider : `${provider} (${type})`;
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    error instanceof UsageError ? `${message}\nSee --help.\n` : `The emulator cannot start: ${message}\n`,
  );
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
