import type { UpstreamResult } from '../audit';
import { type Deadline, pause } from '../deadline';
import {
  type Acknowledgement,
  type GenAuthId,
  type IdentityType,
  type ManagementClient,
  ManagementError,
  ManagementRefusedError,
  ManagementUnreachableError,
} from '../genauth';
import { matchesUnlink } from './matchesUnlink';

export interface UnlinkRequest {
  userId: GenAuthId;
  extIdpId: GenAuthId;
  type?: IdentityType;
}

/** The outcome of an unlink. The identities are unlinked after `acked` and `verified_absent` only. */
export interface Settlement {
  outcome: 'acked' | 'refused' | 'verified_absent' | 'not_sent' | 'unknown';
  upstream: UpstreamResult;
  /** The number of reads that were made to settle the outcome. */
  reads: number;
  /** The error to report instead of a payload, or null. For `refused`: a rejected key or a rate limit. */
  error: unknown;
}

export type Management = Pick<ManagementClient, 'unlinkIdentity' | 'getUserIdentities'>;

/**
 * Pauses before the reads that settle a lost response, in milliseconds. The first is short, because most responses are lost
 * after the execution. The second is for a request that was still being executed.
 */
const READ_AFTER_MS = [150, 800];

/**
 * Sends an unlink once, and returns its outcome as far as it is certain. Never fails.
 *
 * If the response is lost, reads decide. Identities that are gone are unlinked, by this request or by another. Identities that
 * are still there prove nothing, because the request may be executed later.
 */
export async function sendAndSettle(
  management: Management,
  request: UnlinkRequest,
  deadline: Deadline,
): Promise<Settlement> {
  try {
    const upstream = fromAcknowledgement(await management.unlinkIdentity(request, deadline));
    return { outcome: 'acked', upstream, reads: 0, error: null };
  } catch (error) {
    const upstream = fromError(error);
    if (error instanceof ManagementRefusedError) {
      const final = error.refusal === 'rejected' || error.refusal === 'not_found';
      return { outcome: 'refused', upstream, reads: 0, error: final ? null : error };
    }
    // Only this error proves that nothing was sent. Any other error, even an internal one, leaves the outcome unknown.
    if (error instanceof ManagementUnreachableError && error.sent === 'no') {
      return { outcome: 'not_sent', upstream, reads: 0, error };
    }
    const { isGone, reads } = await readUntilGone(management, request, deadline);
    return isGone
      ? { outcome: 'verified_absent', upstream, reads, error: null }
      : { outcome: 'unknown', upstream, reads, error };
  }
}

async function readUntilGone(
  management: Management,
  request: UnlinkRequest,
  deadline: Deadline,
): Promise<{ isGone: boolean; reads: number }> {
  let reads = 0;
  for (const delay of READ_AFTER_MS) {
    try {
      await pause(delay, deadline);
      reads++;
      const identities = await management.getUserIdentities(request.userId, { deadline, purpose: 'settling' });
      if (!identities.toArray().some((identity) => matchesUnlink(identity, request))) return { isGone: true, reads };
    } catch (error) {
      // A user that does not exist has no identities. Any other error proves nothing, and the next read may succeed.
      if (error instanceof ManagementRefusedError && error.isUserUnknown) return { isGone: true, reads };
    }
  }
  return { isGone: false, reads };
}

function fromAcknowledgement({ apiCode, requestId, attempts }: Acknowledgement): UpstreamResult {
  return { statusCode: 200, apiCode, requestId, attempts };
}

function fromError(error: unknown): UpstreamResult {
  const attempts = error instanceof ManagementError ? error.attempts : 1;
  if (!(error instanceof ManagementRefusedError)) return { statusCode: null, apiCode: null, requestId: null, attempts };
  const { statusCode, apiCode, requestId } = error;
  return { statusCode, apiCode, requestId, attempts };
}
