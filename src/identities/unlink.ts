import { setTimeout as pause } from 'node:timers/promises';
import {
  type GenAuthId,
  type Identity,
  type IdentityType,
  type ManagementClient,
  ManagementRefusedError,
  ManagementUnreachableError,
} from '../genauth';
import { UnlinkNotExecutedError, UnlinkOutcomeUnknownError } from './errors';

export interface UnlinkRequest {
  userId: GenAuthId;
  extIdpId: GenAuthId;
  type?: IdentityType;
}

/** GenAuth's final word on an unlink. */
export interface UnlinkResult {
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  userId: string;
}

/**
 * Pauses before the reads that settle a lost answer, in milliseconds: one soon, because most answers are lost after the
 * work is done; one later, for work that was still going on.
 */
const VERIFY_AFTER_MS = [150, 800];

/**
 * Unlinks a user from an identity source, and says only what is known to be true.
 *
 * Sent once. When the answer is lost, reading decides: identities that are gone are unlinked, whoever did it; identities
 * that are still there prove nothing, because the request may yet be executed.
 *
 * @param signal Ends it. After the request was sent, its outcome is then unknown.
 * @returns A result that is final; `success` false means that GenAuth refused and nothing was unlinked.
 * @throws {UnlinkNotExecutedError} Nothing was executed.
 * @throws {UnlinkOutcomeUnknownError} It may have been executed.
 */
export async function unlink(
  management: Pick<ManagementClient, 'unlinkIdentity' | 'getUserIdentities'>,
  request: UnlinkRequest,
  signal: AbortSignal,
): Promise<UnlinkResult> {
  const { userId } = request;
  try {
    return { success: true, userId, ...(await management.unlinkIdentity(request, signal)) };
  } catch (error) {
    if (isFinalRefusal(error)) {
      return { success: false, userId, requestId: error.requestId, apiCode: error.apiCode };
    }
    if (wasNotExecuted(error)) throw new UnlinkNotExecutedError(error);
    if (await isSeenGone(management, request, signal)) return { success: true, userId, requestId: null, apiCode: null };
    throw new UnlinkOutcomeUnknownError(error);
  }
}

function isFinalRefusal(error: unknown): error is ManagementRefusedError {
  return error instanceof ManagementRefusedError && (error.refusal === 'rejected' || error.refusal === 'not_found');
}

/** Only proof counts: an error of any other kind, even one of our own making, leaves the outcome open. */
function wasNotExecuted(error: unknown): boolean {
  return (
    error instanceof ManagementRefusedError || (error instanceof ManagementUnreachableError && error.sent === 'no')
  );
}

async function isSeenGone(
  management: Pick<ManagementClient, 'getUserIdentities'>,
  request: UnlinkRequest,
  signal: AbortSignal,
): Promise<boolean> {
  for (const delay of VERIFY_AFTER_MS) {
    try {
      await pause(delay, undefined, { signal });
      const identities = await management.getUserIdentities(request.userId, signal);
      if (!identities.some((identity) => isMeant(identity, request))) return true;
    } catch (error) {
      // A user who is gone has no identities. Any other failure to read shows nothing; the next read may.
      if (error instanceof ManagementRefusedError && error.apiCode === USER_NOT_FOUND) return true;
    }
  }
  return false;
}

const USER_NOT_FOUND = 2004;

/** Without a `type`, any row of the source that is left speaks against it: GenAuth documents no more than a default. */
function isMeant(identity: Identity, request: UnlinkRequest): boolean {
  return identity.extIdpId === request.extIdpId && (request.type === undefined || identity.type === request.type);
}
