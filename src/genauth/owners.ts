import { BATCH_ROUTE } from './api';
import { ManagementUnreachableError } from './errors';
import type { AccountId, GenAuthId } from './ids';
import type { UserRecord } from './userRecord';

/** An account at an identity source. */
export interface SourceAccount {
  readonly extIdpId: GenAuthId;
  readonly userIdInIdp: AccountId;
}

/** Names an account in a request with `userIdType=identity`. @see docs/genauth-api.md#get-user */
export function toAccountName({ extIdpId, userIdInIdp }: { extIdpId: string | null; userIdInIdp: string | null }) {
  return `${extIdpId}:${userIdInIdp}`;
}

/**
 * Finds the owner of each account, by the identities that the users hold. The order of users makes no difference.
 *
 * @returns null for an account without an owner. If a user holds none of the accounts, or the response does not say which
 *   identities a user has, every account without an owner gets an error instead.
 */
export function findOwners(
  accounts: readonly SourceAccount[],
  users: readonly UserRecord[],
): (UserRecord | null | ManagementUnreachableError)[] {
  const names = accounts.map(toAccountName);
  const requested = new Set(names);
  const owners = new Map<string, UserRecord>();
  let hasOthers = false;
  for (const user of users) {
    const held = (user.accounts() ?? []).map(toAccountName).filter((name) => requested.has(name));
    for (const name of held) if (!owners.has(name)) owners.set(name, user);
    hasOthers ||= held.length === 0;
  }
  return names.map((name) => {
    const owner = owners.get(name) ?? null;
    // A response about other users does not show that an account has no owner.
    return owner === null && hasOthers ? new ManagementUnreachableError(BATCH_ROUTE, 'mismatch', 'maybe') : owner;
  });
}
