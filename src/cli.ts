#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { type ConnectedCommand, readArguments } from './cli/arguments';
import { dryRun } from './cli/dryRun';
import { Concurrency } from './cli/concurrency';
import { EXIT, type ExitCode, InterruptedError, StopError, UsageError } from './cli/errors';
import { find } from './cli/find';
import { HELP } from './cli/help';
import { list } from './cli/list';
import { Pace } from './cli/pace';
import { Supergraph } from './cli/supergraph';
import { complain } from './cli/terminal';
import { Token } from './cli/token';
import { undo } from './cli/undo';
import { unlinkFile } from './cli/unlinkFile';
import { unlinkOne } from './cli/unlinkOne';
import { readVersion } from './version';

/** The command line `identities`: a client of the supergraph. */
async function main(): Promise<ExitCode> {
  const command = readArguments(process.argv.slice(2), process.env);
  if (command === 'help' || command === 'version') {
    process.stdout.write(command === 'help' ? HELP : `${readVersion()}\n`);
    return EXIT.done;
  }
  const stop = new AbortController();
  // Every request that waits for its turn adds a listener.
  setMaxListeners(0, stop.signal);
  stopOnSignals(stop);
  const { url, tokenSource, rate, reason } = command;
  const [token, pace, concurrency] = [new Token(tokenSource), new Pace(rate), new Concurrency(rate)];
  const supergraph = new Supergraph({ url, token, pace, concurrency, stop, reason });
  return execute(command, supergraph, stop);
}

function execute(command: ConnectedCommand, supergraph: Supergraph, stop: AbortController): Promise<ExitCode> {
  switch (command.name) {
    case 'list':
      return list(command, supergraph);
    case 'find':
      return find(command, supergraph);
    case 'unlinkOne':
      return unlinkOne(command, supergraph);
    case 'unlinkFile':
      return command.dryRun ? dryRun(command, supergraph) : unlinkFile(command, supergraph, stop);
    case 'undo':
      return undo(command, supergraph, stop);
  }
}

/**
 * npm passes a signal on that the terminal has sent to the process as well: a second one within this time is the same, in
 * milliseconds. @see https://github.com/npm/cli/issues/5021
 */
const SAME_SIGNAL_MS = 200;

/** The first signal ends the run after what was begun. The second one ends the process at once. */
function stopOnSignals(stop: AbortController): void {
  let first: number | undefined;
  const onSignal = (): void => {
    if (first === undefined) {
      first = performance.now();
      complain('Finishing what was begun. Interrupt again to end at once.');
      stop.abort(new InterruptedError());
    } else if (performance.now() - first > SAME_SIGNAL_MS) {
      process.exit(EXIT.interrupted);
    }
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
}

// A reader such as `head` has what it needs.
process.stdout.on('error', () => process.exit());

main().then(
  (exitCode) => end(exitCode),
  (error: unknown) => {
    if (!(error instanceof StopError)) throw error;
    if (!(error instanceof InterruptedError)) complain(error.message);
    if (error instanceof UsageError) complain('See --help.');
    end(error.exitCode);
  },
);

/** Ends the process once its output is written. Connections to the supergraph would keep it alive. */
function end(exitCode: ExitCode): void {
  process.stdout.write('', () => process.exit(exitCode));
}
