import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Fault, FAULTS, parseFault, resolveRoute, type SetFault } from './faults';
import type { StartOptions } from './index';
import { readSeed, type Seed } from './seed';
import { DEFAULT_SWITCHES, describeSwitch, readSwitches, type Switches } from './switches';

/** The command line cannot be followed. The message is for the person who wrote it. */
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
 * @param environment Of its variables GENAUTH_ACCESS_KEY_ID, GENAUTH_ACCESS_KEY_SECRET and GENAUTH_USERPOOL_ID are used
 *   where they are set, so that an emulator and what calls it can be given the same ones.
 * @returns 'help' when that is what was asked for.
 * @throws {UsageError} naming the option that is wrong.
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
    const [name, fault] = halves('--fault', 'ROUTE=FAULT', pair);
    const route = attempt('--fault: ', () => resolveRoute(name));
    attempt('--fault: ', () => parseFault(fault));
    (faults[route] ??= []).push({ fault: fault as Fault });
  }
  return faults;
}

function readSeedFile(path: string): Seed {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // A parser's message quotes the file.
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

/** Runs a check of somebody else's, whose complaint is the person's to read. */
function attempt<Value>(prefix: string, check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    throw new UsageError(prefix + (error as Error).message, { cause: error });
  }
}

export function help(): string {
  const faults = Object.values(FAULTS).map(
    ([written, executed, effect]) => [written, `${executed}: ${effect}`] as const,
  );
  const switches = (Object.keys(DEFAULT_SWITCHES) as (keyof Switches)[]).map(
    (name) => [`${name}=${DEFAULT_SWITCHES[name]}`, describeSwitch(name)] as const,
  );
  return `A stand-in for GenAuth's V3 management API, with a user pool in memory.

Usage: npm run emulator -- [options]

  --port PORT           default 4010; 0 picks a free one
  --host HOST           default 127.0.0.1
  --seed FILE           JSON of the user pool: {"extIdps": [{"id", "name", "type"}], "users": [{"id", "name", "username",
                        "email", "phone", "hasPassword", "identities": [{"extIdpId", "type", "userIdInIdp"}]}]}
  --fault ROUTE=FAULT   may be repeated; ROUTE is the last part of a path, as in unlink-identity=reset-after-execute, or *
  --switch NAME=VALUE   may be repeated
  --help

The access key is made up at every start, unless GENAUTH_ACCESS_KEY_ID and GENAUTH_ACCESS_KEY_SECRET are set in the
environment; likewise the user pool and GENAUTH_USERPOOL_ID.

Faults, whether the operation is executed, and what the caller gets:
${table(faults)}

Switches with their defaults, where it is unknown how GenAuth behaves (src/emulator/switches.ts says more):
${table(switches)}

Both may be changed while it runs, from the same machine:
  curl http://127.0.0.1:4010/emulator/faults
  curl -X PUT http://127.0.0.1:4010/emulator/faults -d '{"unlink-identity": "hang-before-execute"}'
  curl -X PUT http://127.0.0.1:4010/emulator/faults -d '{"*": [{"fault": "http-502", "times": 3, "probability": 0.5}]}'
  curl -X DELETE http://127.0.0.1:4010/emulator/faults
  curl http://127.0.0.1:4010/emulator/switches
  curl -X PUT http://127.0.0.1:4010/emulator/switches -d '{"unlinkMissing": "404"}'
`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
