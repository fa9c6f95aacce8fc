import type { RecordedIntent } from '../audit';
import type { Deadline } from '../deadline';
import { type ManagementClient, parseAccountId, parseIdentityType } from '../genauth';
import { isLinkedTo } from './link';
import { mayRemove } from './signIn';

/** The result of reads about a write whose outcome is not known: the outcome to record, or the reason why there is none. */
export type Reconciliation = { outcome: 'verified_absent' | 'verified_present' } | { reason: string };

type Management = Pick<ManagementClient, 'parseId' | 'getUserBatch' | 'listLoggedInApps' | 'isSignedIn'>;

/**
 * Reads from GenAuth whether the state that a write asks for is reached. If it is not, nothing is known: GenAuth may execute
 * the request later, or the state changed since.
 *
 * @throws {InvalidArgumentError} The intent contains an id that may not be sent.
 * @throws {ManagementError} GenAuth could not be read.
 */
export async function reconcile(
  { event, target }: RecordedIntent,
  management: Management,
  deadline: Deadline,
): Promise<Reconciliation> {
  const userId = management.parseId('userId', target.userId);
  if (event === 'sessions.intent') {
    const appIds = await management.listLoggedInApps(userId, deadline);
    const active = await Promise.all(appIds.map((appId) => management.isSignedIn(userId, appId, deadline)));
    return active.includes(true) ? { reason: 'still signed in' } : { outcome: 'verified_absent' };
  }
  const extIdpId = management.parseId('extIdpId', target.extIdpId);
  const type = target.type === null ? null : parseIdentityType('type', target.type);
  const users = await management.getUserBatch([userId], { deadline });
  const user = users.get(userId);
  if (user === undefined) return { reason: 'GenAuth does not know the user' };
  const accounts = user instanceof Error ? null : user.accounts();
  if (accounts === null) return { reason: 'GenAuth gave no usable response' };
  if (event === 'unlink.intent') {
    const isLeft = accounts.some(mayRemove({ extIdpId, type }, accounts));
    return isLeft ? { reason: 'still linked' } : { outcome: 'verified_absent' };
  }
  const userIdInIdp = parseAccountId('userIdInIdp', target.userIdInIdp);
  const isLinked = accounts.some(isLinkedTo({ extIdpId, userIdInIdp, type }));
  return isLinked ? { outcome: 'verified_present' } : { reason: 'not linked' };
}
