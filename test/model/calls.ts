import type { Call } from '../../src/emulator';
import { isKeyOf } from './history';
import { LATEST_EXECUTION_MS } from './scenario';

const UNLINK_ROUTE = 'POST /api/v3/unlink-identity';

/** Whether a call can no longer execute an unlink. */
export function isOver({ route, at: arrivedAt, data, fault, executed, outcome }: Call): boolean {
  if (route !== UNLINK_ROUTE) return true;
  if (executed || outcome !== null || fault === 'reset-before-read') return true;
  // After a request has been read, only `execute-late` delays its execution.
  if (fault?.startsWith('execute-late') !== true && 'userId' in data) return true;
  return Date.now() - arrivedAt > LATEST_EXECUTION_MS;
}

/** Whether a call is a request of an unlink. */
export function isOf({ route, idempotencyKey }: Call, operationId: string | null): boolean {
  return route === UNLINK_ROUTE && isKeyOf(idempotencyKey, operationId);
}
