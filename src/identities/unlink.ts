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

/** What an unlink needs of GenAuth. */
type Management = Pick<ManagementClient, 'unlinkIdentity' | 'getUserIdentities'>;

/**
 * The unlinks of this process. Those of one user run one after another: two that overlap could not be told apart when one
 * of their answers is lost.
 */
export class Unlinks {
  readonly #management: Management;
  /** By user, what ends with the last unlink that was asked for. */
  readonly #last = new Map<GenAuthId, Promise<void>>();

  constructor(management: Management) {
    this.#management = management;
  }

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
  unlink(request: UnlinkRequest, signal: AbortSignal): Promise<UnlinkResult> {
    const { userId } = request;
    const result = this.#afterTheLast(request, signal);
    const ended = result.then(nothing, nothing).finally(() => {
      if (this.#last.get(userId) === ended) this.#last.delete(userId);
    });
    this.#last.set(userId, ended);
    return result;
  }

  async #afterTheLast(request: UnlinkRequest, signal: AbortSignal): Promise<UnlinkResult> {
    // It ends in time: it began before this one, so that its deadline comes first.
    await this.#last.get(request.userId);
    if (signal.aborted) {
      throw new UnlinkNotExecutedError(
        new ManagementUnreachableError('POST /api/v3/unlink-identity', 'deadline', 'no'),
      );
    }
    return execute(this.#management, request, signal);
  }
}

function nothing(): void {}

async function execute(management: Management, request: UnlinkRequest, signal: AbortSignal): Promise<UnlinkResult> {
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

async function isSeenGone(management: Management, request: UnlinkRequest, signal: AbortSignal): Promise<boolean> {
  for (const delay of VERIFY_AFTER_MS) {
    try {
      await pause(delay, undefined, { signal });
      const identities = await management.getUserIdentities(request.userId, { signal, purpose: 'settling' });
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
