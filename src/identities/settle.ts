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

/** What became of an unlink; only `acked` and `verified_absent` are a yes. */
export interface Settlement {
  outcome: 'acked' | 'refused' | 'verified_absent' | 'not_sent' | 'unknown';
  upstream: UpstreamResult;
  /** How many reads it took to settle. */
  reads: number;
  /** What stands in the way of a final answer. Of `refused` only where GenAuth minded who asked or how often, not what. */
  error: unknown;
}

/** What sending and settling need of GenAuth. */
export type Management = Pick<ManagementClient, 'unlinkIdentity' | 'getUserIdentities'>;

/**
 * Pauses before the reads that settle a lost answer, in milliseconds: one soon, because most answers are lost after the
 * work is done; one later, for work that was still going on.
 */
const VERIFY_AFTER_MS = [150, 800];
const USER_NOT_FOUND = 2004;

/**
 * Sends an unlink once, and says only what is known to be true of it. Never fails.
 *
 * When the answer is lost, reading decides: identities that are gone are unlinked, whoever did it; identities that are
 * still there prove nothing, because the request may yet be executed.
 */
export async function sendAndSettle(
  management: Management,
  request: UnlinkRequest,
  deadline: Deadline,
): Promise<Settlement> {
  try {
    const upstream = ofAcknowledgement(await management.unlinkIdentity(request, deadline));
    return { outcome: 'acked', upstream, reads: 0, error: null };
  } catch (error) {
    const upstream = ofError(error);
    if (error instanceof ManagementRefusedError) {
      const final = error.refusal === 'rejected' || error.refusal === 'not_found';
      return { outcome: 'refused', upstream, reads: 0, error: final ? null : error };
    }
    // Only proof counts: an error of any other kind, even one of our own making, leaves the outcome open.
    if (error instanceof ManagementUnreachableError && error.sent === 'no') {
      return { outcome: 'not_sent', upstream, reads: 0, error };
    }
    const { isGone, reads } = await look(management, request, deadline);
    return isGone
      ? { outcome: 'verified_absent', upstream, reads, error: null }
      : { outcome: 'unknown', upstream, reads, error };
  }
}

async function look(
  management: Management,
  request: UnlinkRequest,
  deadline: Deadline,
): Promise<{ isGone: boolean; reads: number }> {
  let reads = 0;
  for (const delay of VERIFY_AFTER_MS) {
    try {
      await pause(delay, deadline);
      reads++;
      const identities = await management.getUserIdentities(request.userId, { deadline, purpose: 'settling' });
      if (!identities.toArray().some((identity) => matchesUnlink(identity, request))) return { isGone: true, reads };
    } catch (error) {
      // A user who is gone has no identities. Any other failure to read shows nothing; the next read may.
      if (error instanceof ManagementRefusedError && error.apiCode === USER_NOT_FOUND) return { isGone: true, reads };
    }
  }
  return { isGone: false, reads };
}

function ofAcknowledgement({ apiCode, requestId, attempts }: Acknowledgement): UpstreamResult {
  return { statusCode: 200, apiCode, requestId, attempts };
}

function ofError(error: unknown): UpstreamResult {
  const attempts = error instanceof ManagementError ? error.attempts : 1;
  if (!(error instanceof ManagementRefusedError)) return { statusCode: null, apiCode: null, requestId: null, attempts };
  const { statusCode, apiCode, requestId } = error;
  return { statusCode, apiCode, requestId, attempts };
}
