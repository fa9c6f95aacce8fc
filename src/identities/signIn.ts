import type { Account, SignInColumns } from '../genauth';

/** The part of a user that decides how the user can sign in. */
export interface SignInUser extends SignInColumns {
  readonly accounts: readonly Account[];
}

/** The ways to sign in that a user pool offers. */
export interface OfferedMethods {
  /** Ids of the identity sources that GenAuth lists. */
  readonly sources: ReadonlySet<string>;
  /** Restricts them to the applications that users sign in to. Null: no application is configured, so that all count. */
  readonly applications: {
    /** Ids of enabled identity sources; of their connections, where GenAuth names those alone. */
    readonly enabled: ReadonlySet<string>;
    /** Such as `EMAIL_CODE`. */
    readonly loginMethods: ReadonlySet<string>;
  } | null;
}

/** An unlink, as far as it decides which identities it removes. */
export interface UnlinkTarget {
  readonly extIdpId: string;
  /** Null or left out: every identity under the source. */
  readonly type?: string | null;
}

/**
 * Returns whether an unlink may remove an identity. A `type` that the user does not hold under this source stands for every identity
 * under it, because GenAuth may read the type differently.
 */
export function mayRemove(
  { extIdpId, type = null }: UnlinkTarget,
  identities: readonly Account[],
): (identity: Account) => boolean {
  const isTypeHeld = identities.some((identity) => identity.extIdpId === extIdpId && identity.type === type);
  return (identity) => identity.extIdpId === extIdpId && (!isTypeHeld || identity.type === type);
}

/** Whether a user who can sign in now could still do so after an unlink. This is the one rule that guards the last way to sign in. */
export function canSignInAfter(user: SignInUser, target: UnlinkTarget, offered: OfferedMethods): boolean {
  if (hasPassword(user, offered) || hasEmail(user, offered) || hasPhone(user, offered)) return true;
  const isRemoved = mayRemove(target, user.accounts);
  return user.accounts.some((identity) => !isRemoved(identity) && isOffered(identity, offered));
}

function isOffered({ extIdpId, originConnIds }: Account, { sources, applications }: OfferedMethods): boolean {
  if (extIdpId === null || !sources.has(extIdpId)) return false;
  if (applications === null) return true;
  const { enabled } = applications;
  return enabled.has(extIdpId) || originConnIds.some((connection) => enabled.has(connection));
}

function hasPassword(user: SignInUser, { applications }: OfferedMethods): boolean {
  if (user.passwordLastSetAt === null) return false;
  if (applications === null) return true;
  const { loginMethods } = applications;
  return (
    (user.username !== null && loginMethods.has('USERNAME_PASSWORD')) ||
    (user.email !== null && loginMethods.has('EMAIL_PASSWORD')) ||
    (user.phone !== null && loginMethods.has('PHONE_PASSWORD'))
  );
}

function hasEmail({ email, emailVerified }: SignInUser, { applications }: OfferedMethods): boolean {
  return email !== null && emailVerified && (applications === null || applications.loginMethods.has('EMAIL_CODE'));
}

function hasPhone({ phone, phoneVerified }: SignInUser, { applications }: OfferedMethods): boolean {
  return phone !== null && phoneVerified && (applications === null || applications.loginMethods.has('PHONE_CODE'));
}
