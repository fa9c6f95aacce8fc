import type { SourceRow, UserRow } from '../users';

/** Whether a user can still sign in without the identities of one source. */
export function canSignInWithout(user: UserRow, unlinked: string, sources: ReadonlyMap<string, SourceRow>): boolean {
  const { email, emailVerified, phone, phoneVerified, passwordLastSetAt, identities } = user;
  return (
    passwordLastSetAt !== null ||
    (email !== null && emailVerified) ||
    (phone !== null && phoneVerified) ||
    identities.some(({ extIdpId }) => extIdpId !== unlinked && sources.has(extIdpId))
  );
}
