import { isSelf, type Caller } from '../callers';
import type { Deadline } from '../deadline';
import type { ManagementClient, User } from '../genauth';
import { LastIdentityError, UnlinkNotExecutedError } from './errors';
import { matchesUnlink } from './matchesUnlink';
import type { UnlinkRequest } from './settle';

/** Whose unlinks are guarded: nobody's, those of users acting on themselves, or everybody's. */
export type LastIdentityGuard = 'off' | 'self' | 'all';

export function isGuarded(guard: LastIdentityGuard, caller: Caller, userId: string): boolean {
  return guard === 'all' || (guard === 'self' && isSelf(caller, userId));
}

/**
 * Makes sure that an unlink leaves the user another way to sign in: an identity of another source, or a password, a
 * verified e-mail address or a verified phone number.
 *
 * A read before a write: two unlinks that run at the same time in two processes can both pass. GenAuth documents no guard of
 * its own.
 *
 * @throws {UnlinkNotExecutedError} It would not, or the user could not be read: what cannot be checked is not done.
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
  // Nothing is taken from a user who is not there, or who does not hold what is to be unlinked: GenAuth will say so.
  if (user === null || !user.identities.some((identity) => matchesUnlink(identity, request))) return;
  const anotherSource = user.identities.some(({ extIdpId }) => extIdpId !== request.extIdpId);
  const anotherWay =
    user.passwordLastSetAt !== null ||
    (user.email !== null && user.emailVerified) ||
    (user.phone !== null && user.phoneVerified);
  if (!anotherSource && !anotherWay) throw new UnlinkNotExecutedError(new LastIdentityError());
}
