import type { RemovedIdentity, WriteOutcome } from '../audit';
import { type Deadline, pause } from '../deadline';
import type { Account } from '../genauth';
import type { UserResult } from './batch';
import { NotVisibleError } from './errors';
import type { SentRequest } from './send';
import { mayRemove, type UnlinkTarget } from './signIn';
import { pausesAfter } from './verification';

/** The result of an unlink, as its requests and the reads after them show it. */
export interface Verification {
  outcome: WriteOutcome['outcome'];
  /** The reason for `not_sent` and `unknown`. */
  error: unknown;
  /** The user as read after the unlink. Undefined if that could not be read. */
  after: UserResult | undefined;
  /** Selects the identities from before the unlink that are gone. Null if that could not be read. */
  isRemoved: ((identity: Account) => boolean) | null;
}

export interface VerificationOptions {
  target: UnlinkTarget;
  before: UserResult;
  /** The requests of the unlink. At least one of them may have been executed. */
  sent: readonly SentRequest[];
  deadline: Deadline;
  /** Reads the user. Never fails. */
  read: () => Promise<UserResult | Error>;
}

/**
 * Verifies an unlink by reads, within its deadline.
 *
 * Identities that are gone show that it was executed. Identities that are still there never show that it was not: the outcome
 * is `unknown` then, unless GenAuth refused one of the requests.
 */
export async function verifyUnlink(options: VerificationOptions): Promise<Verification> {
  const { target, before, sent, deadline, read } = options;
  const has = (outcome: SentRequest['outcome']): boolean => sent.some((request) => request.outcome === outcome);
  const accounts = accountsOf(before);
  const isTarget = mayRemove(target, accounts ?? []);
  // A confirmed type is gone if no row has it. After a lost response, every row that may be meant has to be gone.
  const isMeant = has('lost') ? isTarget : isNamed(target);
  let after: UserResult | undefined;
  let isRemoved: Verification['isRemoved'] = null;
  for (const pauseMs of pausesAfter(has('lost'), has('not_sent'))) {
    if (pauseMs > 0) await pause(pauseMs, deadline).catch(() => undefined);
    if (deadline.aborted) break;
    const user = await read();
    const left = user instanceof Error ? null : accountsOf(user);
    if (user instanceof Error || left === null) {
      // The confirmation stands, and the client has already retried the read.
      if (after === undefined && !has('lost')) break;
      continue;
    }
    after = user;
    const keys = new Set(left.map(keyOf));
    isRemoved = accounts && ((identity) => isTarget(identity) && !keys.has(keyOf(identity)));
    if (!left.some(isMeant)) {
      return { outcome: has('acked') ? 'acked' : 'verified_absent', error: null, after, isRemoved };
    }
  }
  if (!has('lost') && !has('not_sent')) {
    if (has('refused')) return { outcome: 'refused', error: null, after, isRemoved };
    if (after === undefined) return { outcome: 'acked', error: null, after, isRemoved };
  }
  const failed = sent.find(({ outcome }) => outcome === 'lost' || outcome === 'not_sent');
  return { outcome: 'unknown', error: failed?.error ?? new NotVisibleError(), after, isRemoved };
}

/** Returns the recorded form of the removed identities, or null if they could not be read. */
export function removedIdentities(before: UserResult, isRemoved: Verification['isRemoved']): RemovedIdentity[] | null {
  const accounts = accountsOf(before);
  if (isRemoved === null || accounts === null) return null;
  return accounts.filter(isRemoved).map(({ id, type }) => ({ id, type }));
}

function isNamed({ extIdpId, type = null }: UnlinkTarget): (identity: Account) => boolean {
  return (identity) => identity.extIdpId === extIdpId && (type === null || identity.type === type);
}

/** @returns null if the response does not say which identities the user has. */
function accountsOf(user: UserResult): readonly Account[] | null {
  return user === null ? [] : user.accounts();
}

/**
 * Identifies an identity of one user. The id is not enough: GenAuth may send two different rows with one id
 * (docs/genauth-api.md#unexpected-columns).
 */
function keyOf({ id, extIdpId, type, userIdInIdp }: Account): string {
  return JSON.stringify([id, extIdpId, type, userIdInIdp]);
}
