import { type Caller, isSelf, type Policy } from '../callers';
import type { IdParser, UserRecord } from '../genauth';
import { lastWays, type OfferedMethods } from './signIn';

/** The users whose unlinks must leave a way to sign in: none, users who unlink their own identities, or all. */
export type LastIdentityGuard = 'off' | 'self' | 'all';

/** Why a caller cannot unlink an identity. */
export type UnlinkBlock = 'LAST_IDENTITY' | 'FORBIDDEN' | 'NOT_NAMEABLE';

/** The unlinks of one user, as far as they can be predicted. `extIdpId` is null for an identity that names no source. */
export interface UserUnlinks {
  /**
   * Whether the user could no longer sign in without the account at a source. One account can have several identities under
   * one source; they count together. An identity that names no source is no way to sign in.
   *
   * @returns null if it cannot be decided.
   */
  isLastWayToSignIn(extIdpId: string | null): boolean | null;
  /** Returns why the caller cannot unlink the account at a source now. @returns null if no reason is known. */
  blockOf(extIdpId: string | null): UnlinkBlock | null;
}

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
    return isSelf(caller, user.id) && user.status !== null && user.status !== 'Activated';
  }

  /** @param offered Null if it could not be read. */
  unlinksOf(caller: Caller, user: UserRecord, offered: OfferedMethods | null): UserUnlinks {
    const signIn = user.signInUser();
    const last = signIn === null || offered === null ? null : lastWays(signIn, offered);
    const isLastWayToSignIn = (extIdpId: string | null): boolean | null =>
      last && extIdpId !== null && last.has(extIdpId);
    const { policy } = this.#options;
    const isAllowed =
      policy.mayUnlink(caller, user.id) &&
      !policy.isSignInTooOld(caller, user.id) &&
      !this.isInactiveSelf(caller, user);
    const isGuarded = this.isGuarded(caller, user.id);
    return {
      isLastWayToSignIn,
      blockOf: (extIdpId) => {
        if (extIdpId === null || !this.#isNameable(extIdpId)) return 'NOT_NAMEABLE';
        if (!isAllowed) return 'FORBIDDEN';
        return isGuarded && isLastWayToSignIn(extIdpId) === true ? 'LAST_IDENTITY' : null;
      },
    };
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
