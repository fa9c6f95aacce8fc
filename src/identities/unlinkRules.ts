import { type Caller, isSelf, type Policy } from '../callers';
import type { IdParser, UserRecord } from '../genauth';
import { canSignInAfter, type OfferedMethods } from './signIn';

/** The users whose unlinks must leave a way to sign in: none, users who unlink their own identities, or all. */
export type LastIdentityGuard = 'off' | 'self' | 'all';

/** Why a caller cannot unlink an identity. */
export type UnlinkBlock = 'LAST_IDENTITY' | 'FORBIDDEN' | 'NOT_NAMEABLE';

export interface UnlinkRulesOptions {
  policy: Policy;
  guard: LastIdentityGuard;
  parseId: IdParser;
}

/** Decides which identities a caller may unlink. The mutation and the fields that predict it use the same rules. */
export class UnlinkRules {
  readonly #options: UnlinkRulesOptions;

  constructor(options: UnlinkRulesOptions) {
    this.#options = options;
  }

  /** Whether unlinks of this user by this caller must leave a way to sign in. */
  isGuarded(caller: Caller, userId: string): boolean {
    const { guard } = this.#options;
    return guard === 'all' || (guard === 'self' && isSelf(caller, userId));
  }

  isSelf(caller: Caller, userId: string): boolean {
    return isSelf(caller, userId);
  }

  /** Whether the user is suspended or has left, and tries to act on their own account. */
  isInactiveSelf(caller: Caller, user: UserRecord): boolean {
    const { status } = user.signInColumns();
    return isSelf(caller, user.id) && status !== null && status !== 'Activated';
  }

  /**
   * Whether the user could no longer sign in without the account at this source. One account can have several identities
   * under one source; they count together.
   *
   * @param extIdpId Null for an identity that names no source. It is no way to sign in.
   * @returns null if it cannot be decided.
   */
  isLastWayToSignIn(user: UserRecord, extIdpId: string | null, offered: OfferedMethods | null): boolean | null {
    const signIn = user.signInUser();
    if (signIn === null || offered === null) return null;
    return extIdpId !== null && !canSignInAfter(signIn, { extIdpId }, offered);
  }

  /**
   * Returns why the caller cannot unlink the account at this source now.
   *
   * @param offered Null if it could not be read.
   * @returns null if no reason is known.
   */
  blockOf(
    caller: Caller,
    user: UserRecord,
    extIdpId: string | null,
    offered: OfferedMethods | null,
  ): UnlinkBlock | null {
    const { policy } = this.#options;
    if (extIdpId === null || !this.#isNameable(extIdpId)) return 'NOT_NAMEABLE';
    const isAllowed =
      policy.mayUnlink(caller, user.id) &&
      !policy.isSignInTooOld(caller, user.id) &&
      !this.isInactiveSelf(caller, user);
    if (!isAllowed) return 'FORBIDDEN';
    const isLast = this.isGuarded(caller, user.id) && this.isLastWayToSignIn(user, extIdpId, offered) === true;
    return isLast ? 'LAST_IDENTITY' : null;
  }

  #isNameable(extIdpId: string): boolean {
    try {
      this.#options.parseId('extIdpId', extIdpId);
      return true;
    } catch {
      return false;
    }
  }
}
