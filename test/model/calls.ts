import type { Call } from '../../src/emulator';
import { targetKey } from './history';
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

/** Returns the `targetKey` of a call, or null if the call is not an unlink. */
export function unlinkKey({ route, data: { userId, extIdpId, type } }: Call): string | null {
  if (route !== UNLINK_ROUTE) return null;
  return targetKey({
    userId: String(userId),
    extIdpId: String(extIdpId),
    type: typeof type === 'string' ? type : null,
  });
}
