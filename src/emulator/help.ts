import { FAULTS } from './faults';
import { describeValues, SWITCH_NAMES, SWITCHES } from './switches';

/** Returns the text of `--help`. The faults and switches come from their tables. */
export function help(): string {
  const faults = Object.values(FAULTS).map(
    ([written, executed, effect]) => [written, `${executed}: ${effect}`] as const,
  );
  return `An emulator of GenAuth's V3 management API, with a user pool in memory.

Usage: npm run emulator -- [options]

  --port PORT           default 4010; 0 selects a free port
  --host HOST           default 127.0.0.1
  --seed FILE           the user pool as JSON: {"extIdps": [...], "applications": [...], "users": [...]}
                        docs/emulator.md describes every member
  --fault ROUTE=FAULT   may be repeated; ROUTE is the last part of a path, or *: unlink-identity=reset-after-execute
                        ROUTE@USER=FAULT meets only calls about this user: get-user-batch@6229ffa1c05e6bfcade3e3d1=http-500
  --switch NAME=VALUE   may be repeated
  --help

A new access key is generated at every start, unless GENAUTH_ACCESS_KEY_ID and GENAUTH_ACCESS_KEY_SECRET are set in the
environment. The user pool is the id of the access key, unless GENAUTH_USERPOOL_ID is set.

Faults, whether the operation is executed, and what the client gets:
${table(faults)}

Switches with their defaults, for behaviour of GenAuth that is unknown or only likely:
${SWITCH_NAMES.map(describeSwitch).join('\n')}

Faults and switches can be changed while the emulator runs, from the same machine:
  curl http://127.0.0.1:4010/emulator/faults
  curl -X PUT http://127.0.0.1:4010/emulator/faults -d '{"unlink-identity": "hang-before-execute"}'
  curl -X PUT http://127.0.0.1:4010/emulator/faults -d '{"*": [{"fault": "http-502", "times": 3, "probability": 0.5}]}'
  curl -X DELETE http://127.0.0.1:4010/emulator/faults
  curl http://127.0.0.1:4010/emulator/switches
  curl -X PUT http://127.0.0.1:4010/emulator/switches -d '{"unlinkMissing": "404"}'
`;
}

function describeSwitch(name: (typeof SWITCH_NAMES)[number]): string {
  const { initial, effect } = SWITCHES[name];
  return `  ${name}=${initial}   (${describeValues(name)})\n      ${effect}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
