import { isSelf, type Caller } from '../callers';
import type { Deadline } from '../deadline';
import type { ManagementClient, User } from '../genauth';
import { LastIdentityError, UnlinkNotExecutedError } from './errors';
import { matchesUnlink } from './matchesUnlink';
import type { UnlinkRequest } from './settle';

/** Which unlinks are guarded: none, those of users who unlink their own identities, or all. */
export type LastIdentityGuard = 'off' | 'self' | 'all';

export function isGuarded(guard: LastIdentityGuard, caller: Caller, userId: string): boolean {
  return guard === 'all' || (guard === 'self' && isSelf(caller, userId));
}

/**
 * Checks that an unlink leaves the user another way to sign in: an identity of another source, a password, a verified e-mail
 * address or a verified phone number.
 *
 * The check reads before the unlink. Two concurrent unlinks in two processes can both pass it. GenAuth documents no guard of its
 * own.
 *
 * @throws {UnlinkNotExecutedError} The unlink would leave no way to sign in, or the user could not be read.
 */
export async function guardLastIdentity(
  management: Pick<ManagementClient, 'getUser'>,
  request: UnlinkRequest,
  deadline: Deadline,
): Promise<void> {
  let user: User | null;
  try {
    user = await management.getUser(request.userId, { deadline, purpose: 'settling' });
  } catch (error) {
    throw new UnlinkNotExecutedError(error);
  }
  // A user that does not exist, or has no such identity, loses nothing. GenAuth's response tells the caller.
  if (user === null || !user.identities.some((identity) => matchesUnlink(identity, request))) return;
  const anotherSource = user.identities.some(({ extIdpId }) => extIdpId !== request.extIdpId);
  const anotherWay =
    user.passwordLastSetAt !== null ||
    (user.email !== null && user.emailVerified) ||
    (user.phone !== null && user.phoneVerified);
  if (!anotherSource && !anotherWay) throw new UnlinkNotExecutedError(new LastIdentityError());
}
