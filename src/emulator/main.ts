import { help, readCommandLine, UsageError } from './commandLine';
import { type Emulator, startEmulator, type StartOptions } from './index';

/** Users that are shown at the start. */
const SHOWN = 9;

async function main(): Promise<void> {
  const options = readCommandLine(process.argv.slice(2), process.env);
  if (options === 'help') return void process.stdout.write(help());
  const emulator = await startEmulator(options);
  // Before the introduction: whoever reads it may send a signal at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close());
  process.stdout.write(introduce(emulator, options));
}

function introduce({ url, accessKeyId, accessKeySecret, userPoolId, store }: Emulator, options: StartOptions): string {
  const users = store.users();
  const lines = users.slice(0, SHOWN).map(({ profile, identities }) => {
    const links = identities.map((row) => (row.type === 'generic' ? row.provider : `${row.provider} (${row.type})`));
    return `  ${profile.userId}  ${profile.name ?? profile.username ?? 'no name'}: ${links.join(', ') || 'nothing'}`;
  });
  // One that was handed in may open the real service as well.
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

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    error instanceof UsageError ? `${message}\nSee --help.\n` : `The emulator cannot start: ${message}\n`,
  );
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
