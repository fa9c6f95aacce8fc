import type { Subgraph } from './subgraph';

/** How long the subgraph may take to finish its requests at the end. */
const END_MS = 3_000;

/** Why the system refuses a port. */
const REASONS: Readonly<Record<string, string>> = { EADDRINUSE: 'is in use', EACCES: 'is not permitted' };

let subgraph: Subgraph | undefined;
let stopping = false;

// Before anything else is loaded, so that Ctrl+C during the start ends everything as well.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    // Also an error of stderr itself, if its reader is gone.
    if (stopping) return;
    process.stderr.write(`The example stopped: ${error instanceof Error ? error.stack : String(error)}\n`);
    void stop(1);
  });
}
void main();

async function main(): Promise<void> {
  if (process.argv.length > 2) return fail('There are no arguments. For another port: PORT=4100 npm run example');
  const port = Number(process.env['PORT'] || '4000');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return fail('PORT must be a number from 0 to 65535');
  process.stderr.write('Starting…\n');
  try {
    // Loading takes half a second.
    const { startSupergraph } = await import('./supergraph.js');
    const lines = await startSupergraph({ port, signingKey: process.env['EXAMPLE_SIGNING_KEY'], onSubgraph: watch });
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    process.stderr.write('For demonstration only: links that sign people in, printed tokens. Stop with Ctrl+C.\n');
  } catch (error) {
    const { syscall, code = '' } = error as NodeJS.ErrnoException;
    const reason = syscall === 'listen' ? REASONS[code] : undefined;
    if (reason === undefined) throw error;
    fail(`Port ${port} ${reason}. Choose another: PORT=4100 npm run example`);
  }
}

function watch(started: Subgraph): void {
  subgraph = started;
  if (stopping) subgraph.process.kill();
  subgraph.process.once('exit', () => {
    if (!stopping) fail('The identities subgraph ended. See its log above.');
  });
}

function fail(message: string): void {
  if (!stopping) process.stderr.write(`${message}\n`);
  void stop(1);
}

/** Ends the process of the subgraph, then this process with all its ports. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  const child = subgraph?.process;
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    setTimeout(() => child.kill('SIGKILL'), END_MS).unref();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
  }
  process.exit(exitCode);
}
