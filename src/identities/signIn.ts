import { type Account, type IdentityType, parseIdentityType, type SignInColumns, type SignInUser } from '../genauth';

/** The ways to sign in that a user pool offers. */
export interface OfferedMethods {
  /** The identity sources that GenAuth lists, by id. */
  readonly sources: { has(extIdpId: string): boolean };
  /** Restricts them to the applications that users sign in to. Null: no application is configured, so that all count. */
  readonly applications: {
    /** Ids of enabled identity sources; of their connections, where GenAuth names those alone. */
    readonly enabled: ReadonlySet<string>;
    /** Those of `enabled` that may be connections whose sources GenAuth does not name. */
    readonly bareIds: readonly string[];
    /** Such as `EMAIL_CODE`. */
    readonly loginMethods: ReadonlySet<string>;
  } | null;
}

/** An unlink, as far as it decides which identities it removes. */
export interface UnlinkTarget {
  readonly extIdpId: string;
  /** Null or left out: every identity under the source. */
  readonly type?: string | null | undefined;
}

/**
 * Returns whether an unlink may remove an identity. A `type` that the user does not hold under this source stands for every
 * identity under it, because GenAuth may read the type differently, for example in another case.
 */
export function mayRemove(
  { extIdpId, type = null }: UnlinkTarget,
  identities: readonly Account[],
): (identity: Account) => boolean {
  const isTypeHeld = identities.some((identity) => identity.extIdpId === extIdpId && identity.type === type);
  return (identity) => identity.extIdpId === extIdpId && (!isTypeHeld || identity.type === type);
}

/**
 * Returns the types to name in an unlink of every identity under a source. GenAuth may read a request without a type as one
 * for `generic` alone, so that every other type is named.
 *
 * @returns At least one. Null stands for a request without a type.
 * @see docs/genauth-api.md#unlink-identity
 */
export function typesToSend(extIdpId: string, identities: readonly Account[]): (IdentityType | null)[] {
  const held = new Set(identities.filter((identity) => identity.extIdpId === extIdpId).map(({ type }) => type));
  if ([...held].every((type) => type === 'generic')) return [null];
  return [...new Set([...held].map(nameableType))];
}

/** Returns a type as a request can name it, or null if it cannot be part of a signed request. */
function nameableType(type: string): IdentityType | null {
  try {
    return parseIdentityType('type', type);
  } catch {
    return null;
  }
}

/** Whether a user could still sign in after an unlink. This is the one rule that guards the last way to sign in. */
export function canSignInAfter(user: SignInUser, target: UnlinkTarget, offered: OfferedMethods): boolean {
  if (canSignInWithoutSource(user, offered)) return true;
  const isRemoved = mayRemove(target, user.accounts);
  return user.accounts.some((identity) => !isRemoved(identity) && isOffered(identity, offered));
}

/**
 * Returns the sources of which each is the last way to sign in: `canSignInAfter` is false for an unlink of every identity
 * under it. One look at the accounts serves all sources.
 */
export function lastWays(user: SignInUser, offered: OfferedMethods): { has(extIdpId: string): boolean } {
  if (canSignInWithoutSource(user, offered)) return NONE;
  const ways = new Set(user.accounts.filter((account) => isOffered(account, offered)).map(({ extIdpId }) => extIdpId));
  // Without any way to sign in, no source can be spared.
  if (ways.size === 0) return EVERY;
  return ways.size === 1 ? ways : NONE;
}

const NONE = { has: () => false };
const EVERY = { has: () => true };

function canSignInWithoutSource({ columns }: SignInUser, offered: OfferedMethods): boolean {
  return hasPassword(columns, offered) || hasEmail(columns, offered) || hasPhone(columns, offered);
}

function isOffered({ extIdpId, originConnIds }: Account, { sources, applications }: OfferedMethods): boolean {
  if (extIdpId === null || !sources.has(extIdpId)) return false;
  if (applications === null) return true;
  const { enabled } = applications;
  return enabled.has(extIdpId) || originConnIds.some((connection) => enabled.has(connection));
}

function hasPassword(user: SignInColumns, { applications }: OfferedMethods): boolean {
  if (user.passwordLastSetAt === null) return false;
  if (applications === null) return true;
  const { loginMethods } = applications;
  return (
    (user.username !== null && loginMethods.has('USERNAME_PASSWORD')) ||
    (user.email !== null && loginMethods.has('EMAIL_PASSWORD')) ||
    (user.phone !== null && loginMethods.has('PHONE_PASSWORD'))
  );
}

function hasEmail({ email, emailVerified }: SignInColumns, { applications }: OfferedMethods): boolean {
  return email !== null && emailVerified && (applications === null || applications.loginMethods.has('EMAIL_CODE'));
}

function hasPhone({ phone, phoneVerified }: SignInColumns, { applications }: OfferedMethods): boolean {
  return phone !== null && phoneVerified && (applications === null || applications.loginMethods.has('PHONE_CODE'));
}
