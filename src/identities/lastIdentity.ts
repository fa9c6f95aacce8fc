import { isSelf, type Caller } from '../callers';
import type { Deadline } from '../deadline';
import type { ManagementClient } from '../genauth';
import { LastIdentityError } from './errors';
import { isMeant, type UnlinkRequest } from './settle';

/** Whose unlinks are guarded: nobody's, those of users acting on themselves, or everybody's. */
export type LastIdentityGuard = 'off' | 'self' | 'all';

/**
 * Makes sure that an unlink leaves the user another way to sign in: an identity of another source, or a password, a
 * verified e-mail address or a verified phone number.
 *
 * A read before a write: two unlinks that run at the same time in two processes can both pass. GenAuth documents no guard of
 * its own.
 *
 * @throws {LastIdentityError}
 * @throws {ManagementError} The user could not be read. What cannot be checked is not done.
 */
export async function guardLastIdentity(
  management: Pick<ManagementClient, 'getUser'>,
  guard: LastIdentityGuard,
  caller: Caller,
  request: UnlinkRequest,
  signal: Deadline,
): Promise<void> {
  if (guard === 'off' || (guard === 'self' && !isSelf(caller, request.userId))) return;
  const user = await management.getUser(request.userId, { signal, purpose: 'settling' });
  // Nothing is taken from a user who is not there, or who does not hold what is to be unlinked: GenAuth will say so.
  if (user === null || !user.identities.some((identity) => isMeant(identity, request))) return;
  const anotherSource = user.identities.some(({ extIdpId }) => extIdpId !== request.extIdpId);
  const anotherWay =
    user.passwordLastSetAt !== null ||
    (user.email !== null && user.emailVerified) ||
    (user.phone !== null && user.phoneVerified);
  if (!anotherSource && !anotherWay) throw new LastIdentityError();
}
