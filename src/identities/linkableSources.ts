import type { Account, IdentitySource } from '../genauth';
import type { OfferedMethods } from './signIn';

/**
 * Returns the identity sources that the applications enable and the user is not linked to, in GenAuth's order.
 *
 * @returns null if no application is configured, or if GenAuth names enabled connections without their sources.
 */
export function linkableSources(
  accounts: readonly Account[],
  { applications }: OfferedMethods,
  sources: ReadonlyMap<string, IdentitySource>,
): IdentitySource[] | null {
  if (applications === null || !applications.bareIds.every((id) => sources.has(id))) return null;
  const linked = new Set(accounts.map(({ extIdpId }) => extIdpId));
  return [...sources.values()].filter(({ id }) => applications.enabled.has(id) && !linked.has(id));
}
