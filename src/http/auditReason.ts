import type { IncomingMessage } from 'node:http';
import { Rejection } from './rejections';

const MAX_CHARACTERS = 200;

const NAME = 'x-audit-reason';

/**
 * Reads `x-audit-reason`: why the caller requests a write, in the caller's words. It is percent-encoded, because headers are
 * ASCII.
 *
 * @returns Null if there is none.
 * @throws {Rejection} It is repeated, not encoded, too long, or has control characters.
 */
export function readAuditReason(request: IncomingMessage): string | null {
  // Most requests have none. `headersDistinct` takes longer.
  if (request.headers[NAME] === undefined) return null;
  const [value = '', ...others] = request.headersDistinct[NAME] ?? [];
  if (value === '' && others.length === 0) return null;
  const reason = others.length === 0 ? decode(value) : null;
  if (reason === null || reason.length > MAX_CHARACTERS || /\p{C}/u.test(reason)) throw new Rejection('AUDIT_REASON');
  return reason;
}

function decode(value: string): string | null {
  if (!/^[ -~]+$/.test(value)) return null;
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
