import { BATCH_ROUTE } from './api';
import { ManagementUnreachableError } from './errors';
import type { GenAuthId } from './ids';
import type { UserRecord } from './userRecord';

/** Maximum size of a user whose profiles are read. */
export const MAX_USER_BYTES = 4 * 1024 * 1024;
/** A larger response is not kept for reads that need no profiles. Below it, a copy costs more than it saves. */
const MAX_HELD_BYTES = 1024 * 1024;

export interface MatchOptions {
  /** Whether a read needs `userInfoInIdp`. */
  profiles: boolean;
  /** Size of the response that the users come from. */
  responseBytes: number;
}

/**
 * Matches the users of a `get-user-batch` response with the requested ids. Of several users with one id, the first counts.
 *
 * Profiles are left out of a user with more than 4 MiB. Without a read that needs them, they are left out of every user of a
 * large response, so that the response can be released.
 *
 * @returns By user id: the user, or an error if the response has no row of the user, but a row of a user that was not requested.
 */
export function matchUsers(
  userIds: readonly GenAuthId[],
  users: readonly UserRecord[],
  { profiles, responseBytes }: MatchOptions,
): Map<string, UserRecord | ManagementUnreachableError> {
  const isCopied = !profiles && responseBytes > MAX_HELD_BYTES;
  const sizeOf = (user: UserRecord): number => (userIds.length === 1 ? responseBytes : user.byteLength);
  const requested = new Set<string>(userIds);
  const found = new Map<string, UserRecord | ManagementUnreachableError>();
  let hasOthers = false;
  for (const user of users) {
    if (found.has(user.id)) continue;
    if (requested.has(user.id)) {
      found.set(user.id, isCopied || sizeOf(user) > MAX_USER_BYTES ? user.copyWithoutProfiles() : user);
    } else hasOthers = true;
  }
  if (hasOthers) {
    // A response about other users does not show that a requested user does not exist.
    const error = (): ManagementUnreachableError => new ManagementUnreachableError(BATCH_ROUTE, 'mismatch', 'maybe');
    for (const userId of userIds) if (!found.has(userId)) found.set(userId, error());
  }
  return found;
}
