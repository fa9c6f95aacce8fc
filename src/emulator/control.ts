import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject } from '../json';
import { jsonAnswer, write } from './answer';
import { resolveRoute } from './faults';
import { checkFault, type Faults, type SetFault } from './faultSchedule';
import { readBody } from './request';
import { readSwitches, type Switches } from './switches';

export const CONTROL_PATH = '/emulator/';

/**
 * Shows and changes faults and switches while the emulator runs, for clients on the same machine. A request that is
 * invalid changes nothing and gets HTTP 400 with `{"error"}`.
 *
 * - `GET`, `PUT`, `DELETE /emulator/faults`: PUT takes `{"ROUTE": FAULT}` and leaves other routes as they are. FAULT is a
 *   text, an object `{"fault", "times", "probability", "userId"}`, a list of these, or null for none. DELETE clears all.
 * - `GET`, `PUT /emulator/switches`: PUT takes `{"NAME": VALUE}` and leaves other switches as they are.
 *
 * @see docs/emulator.md
 */
export async function control(
  { faults, switches }: { faults: Faults; switches: Switches },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = (status: number, value: unknown) => write(response, jsonAnswer(status, value));
  if (!isLoopback(request.socket.remoteAddress)) return reply(403, { error: 'only from the same machine' });
  const operation = `${request.method} ${(request.url ?? '').split('?', 1)[0]?.slice(CONTROL_PATH.length)}`;
  try {
    if (operation === 'PUT faults') putFaults(faults, parseObject(await readBody(request)));
    else if (operation === 'DELETE faults') faults.clear();
    else if (operation === 'PUT switches') Object.assign(switches, readSwitches(parseObject(await readBody(request))));
    else if (operation !== 'GET faults' && operation !== 'GET switches') {
      return reply(404, { error: 'there are GET, PUT, DELETE /emulator/faults and GET, PUT /emulator/switches' });
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return reply(400, { error: error.message });
  }
  reply(200, operation.endsWith('faults') ? faults.list() : switches);
}

/** Sets faults. @throws {RangeError} A route or a fault is invalid. Then nothing is changed. */
function putFaults(faults: Faults, settings: Record<string, unknown>): void {
  const wanted = Object.entries(settings).map(([route, setting]) => {
    const list: unknown[] = setting === null ? [] : Array.isArray(setting) ? setting : [setting];
    return [resolveRoute(route), list.map(readSetFault)] as const;
  });
  for (const [route, list] of wanted) faults.set(route, list);
}

function readSetFault(value: unknown): SetFault {
  const setting = typeof value === 'string' ? { fault: value } : value;
  if (!isObject(setting) || typeof setting['fault'] !== 'string') {
    throw new RangeError('a fault is a text, or an object with "fault" and optional "times", "probability", "userId"');
  }
  const { fault, times, probability, userId } = setting as unknown as SetFault;
  const read = {
    fault,
    ...(times === undefined ? {} : { times }),
    ...(probability === undefined ? {} : { probability }),
    ...(userId === undefined ? {} : { userId }),
  };
  checkFault(read);
  return read;
}

function parseObject(body: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body ?? '');
    if (isObject(value)) return value;
  } catch {
    // The error below covers a body that is not JSON.
  }
  throw new RangeError('the body must be a JSON object');
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}
