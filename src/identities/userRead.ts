import { BATCH_ROUTE, type IdentityList, ManagementUnreachableError, type UserRecord } from '../genauth';
import type { UserResult } from './batch';

/** A user whose identities could be read. */
export type ReadableUser = UserRecord & { readonly identities: IdentityList };

/** The result of reading a user: the user, null for a user that GenAuth does not know, or the error of this user. */
export type UserRead = ReadableUser | null | Error;

/** @param needsProfiles Whether a user whose profiles were too large to be kept cannot be used. */
export function toUserRead(result: UserResult | Error, needsProfiles: boolean): UserRead {
  if (result === null || result instanceof Error) return result;
  if (needsProfiles && !result.hasProfiles) return unusable('too_large');
  return hasReadableIdentities(result) ? result : unusable('shape');
}

function unusable(reason: 'shape' | 'too_large'): ManagementUnreachableError {
  return new ManagementUnreachableError(BATCH_ROUTE, reason, 'maybe');
}

function hasReadableIdentities(user: UserRecord): user is ReadableUser {
  return user.identities !== null;
}
