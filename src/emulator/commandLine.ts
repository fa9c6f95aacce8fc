import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Fault, resolveRoute } from './faults';
import { checkFault, type SetFault } from './faultSchedule';
import type { StartOptions } from './index';
import { parseJson } from './rawJson';
import { readSeed } from './readSeed';
import type { Seed } from './seed';
import { readSwitches } from './switches';

/** The command line is invalid. The message is written for its author. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  seed: { type: 'string' },
  fault: { type: 'string', multiple: true },
  switch: { type: 'string', multiple: true },
  help: { type: 'boolean' },
} as const;

/**
 * Reads a command line into options.
 *
 * @param environment GENAUTH_ACCESS_KEY_ID, GENAUTH_ACCESS_KEY_SECRET and GENAUTH_USERPOOL_ID are used if they are set, so
 *   that the emulator and its client can share them.
 * @returns 'help' for `--help`.
 * @throws {UsageError} Names the option that is invalid.
 */
export function readCommandLine(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): StartOptions | 'help' {
  const values = attempt('', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values);
  if (values.help === true) return 'help';
  const switches = Object.fromEntries((values.switch ?? []).map((pair) => halves('--switch', 'NAME=VALUE', pair)));
  return {
    port: readPort(values.port ?? '4010'),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.seed === undefined ? {} : { seed: readSeedFile(values.seed) }),
    switches: attempt('--switch: ', () => readSwitches(switches)),
    faults: readFaults(values.fault ?? []),
    ...readEnvironment(environment),
  };
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65_535)) throw new UsageError('--port must be a number from 0 to 65535');
  return port;
}

function readFaults(pairs: readonly string[]): Record<string, SetFault[]> {
  const faults: Record<string, SetFault[]> = {};
  for (const pair of pairs) {
    const [target, fault] = halves('--fault', 'ROUTE=FAULT', pair);
    const [name = '', userId] = target.split('@', 2);
    const set: SetFault = { fault: fault as Fault, ...(userId === undefined ? {} : { userId }) };
    const route = attempt('--fault: ', () => resolveRoute(name));
    attempt('--fault: ', () => checkFault(set));
    (faults[route] ??= []).push(set);
  }
  return faults;
}

function readSeedFile(path: string): Seed {
  let parsed: unknown;
  try {
    parsed = parseJson(readFileSync(path, 'utf8'));
  } catch (error) {
    // The parser's message quotes the file, which may hold secrets.
    const why = error instanceof SyntaxError ? 'it is not JSON' : String((error as NodeJS.ErrnoException).code);
    throw new UsageError(`--seed: cannot read the file: ${why}`, { cause: error });
  }
  return attempt('--seed: ', () => readSeed(parsed));
}

function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Partial<StartOptions> {
  const accessKeyId = environment['GENAUTH_ACCESS_KEY_ID'] ?? '';
  const accessKeySecret = environment['GENAUTH_ACCESS_KEY_SECRET'] ?? '';
  const userPoolId = environment['GENAUTH_USERPOOL_ID'] ?? '';
  if ((accessKeyId === '') !== (accessKeySecret === '')) {
    throw new UsageError('set both GENAUTH_ACCESS_KEY_ID and GENAUTH_ACCESS_KEY_SECRET, or neither');
  }
  return {
    ...(accessKeyId === '' ? {} : { accessKey: { accessKeyId, accessKeySecret } }),
    ...(userPoolId === '' ? {} : { userPoolId }),
  };
}

function halves(option: string, form: string, pair: string): [string, string] {
  const equals = pair.indexOf('=');
  if (equals < 1) throw new UsageError(`${option} must be ${form}`);
  return [pair.slice(0, equals), pair.slice(equals + 1)];
}

/** Runs a check, and turns its error into a usage error. */
function attempt<Value>(prefix: string, check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    throw new UsageError(prefix + (error as Error).message, { cause: error });
  }
}
