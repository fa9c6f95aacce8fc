import type { Call } from '../../src/emulator';
import { targetKey } from './history';
import { LATEST_EXECUTION_MS } from './scenario';

const UNLINK_ROUTE = 'POST /api/v3/unlink-identity';

/** Whether a call is no unlink that may yet be executed, whatever its caller knows of it. */
export function isOver({ route, at: arrivedAt, data, fault, executed, outcome }: Call): boolean {
  if (route !== UNLINK_ROUTE) return true;
  if (executed || outcome !== null || fault === 'reset-before-read') return true;
  // Once it is read, only this one waits before it is executed or refused.
  if (fault?.startsWith('execute-late') !== true && 'userId' in data) return true;
  return Date.now() - arrivedAt > LATEST_EXECUTION_MS;
}

/** The key of what a call unlinks; null where it is no unlink. */
export function unlinkKey({ route, data: { userId, extIdpId, type } }: Call): string | null {
  if (route !== UNLINK_ROUTE) return null;
  return targetKey({
    userId: String(userId),
    extIdpId: String(extIdpId),
    type: typeof type === 'string' ? type : null,
  });
}
