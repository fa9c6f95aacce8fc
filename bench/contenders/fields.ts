import { type IdentityRow, labelOf, type SourceRow, type UserRow } from '../users';
import { withoutCredentials } from './profile';
import { canSignInWithout } from './signIn';

// The selections of the benchmark, for H and for the expected responses. Object spread would cost H more than the rest of
// its work.

export function plainUser({ userId, identities }: UserRow): object {
  return {
    id: userId,
    identities: identities.map(({ identityId, extIdpId, provider, type, userIdInIdp, originConnIds }) => ({
      id: identityId,
      extIdpId,
      provider,
      type,
      userIdInIdp,
      originConnIds,
    })),
  };
}

export function aliasedUser({ userId, identities }: UserRow): object {
  return {
    __typename: 'User',
    id: userId,
    identities: identities.map(({ identityId, extIdpId, provider, type, userIdInIdp, originConnIds }) => ({
      id: identityId,
      extIdpId,
      provider,
      type,
      userIdInIdp,
      originConnIds,
    })),
  };
}

export function userWithoutConnections({ userId, identities }: UserRow): object {
  return {
    id: userId,
    identities: identities.map(({ identityId, extIdpId, provider, type, userIdInIdp }) => ({
      id: identityId,
      extIdpId,
      provider,
      type,
      userIdInIdp,
    })),
  };
}

export function userWithProfiles({ userId, identities }: UserRow): object {
  return {
    id: userId,
    identities: identities.map(
      ({ identityId, extIdpId, provider, type, userIdInIdp, userInfoInIdp, originConnIds }) => ({
        id: identityId,
        extIdpId,
        provider,
        type,
        userIdInIdp,
        userInfoInIdp: withoutCredentials(userInfoInIdp),
        originConnIds,
      }),
    ),
  };
}

/** What the fields of a page need beside the identity. */
export interface PageContext {
  sources: ReadonlyMap<string, SourceRow>;
  /** Whether the caller may unlink identities of the user. */
  isAllowed: boolean;
}

export function pageUser(user: UserRow, context: PageContext): object {
  return {
    id: user.userId,
    identities: user.identities.map((row) => {
      const { identityId, extIdpId, provider, type } = row;
      const isLast = !canSignInWithout(user, extIdpId, context.sources);
      return {
        id: identityId,
        extIdpId,
        provider,
        type,
        label: labelOf(row),
        isLastWayToSignIn: isLast,
        unlinkBlockedBy: blockOf(isLast, context),
        source: source(extIdpId, context),
      };
    }),
    linkableSources: null,
  };
}

/** The user in the payload of the page's mutation. */
export function unlinkedUser(user: UserRow, context: PageContext): object {
  return {
    id: user.userId,
    identities: user.identities.map((row) => {
      const { identityId, extIdpId, provider, type, userIdInIdp } = row;
      const isLast = !canSignInWithout(user, extIdpId, context.sources);
      return {
        id: identityId,
        extIdpId,
        provider,
        type,
        userIdInIdp,
        label: labelOf(row),
        isLastWayToSignIn: isLast,
        unlinkBlockedBy: blockOf(isLast, context),
        source: source(extIdpId, context),
      };
    }),
    linkableSources: null,
  };
}

/** An identity in `removed` of the page's mutation. */
export function removedIdentity(row: IdentityRow, context: PageContext): object {
  const { identityId, extIdpId, provider, type, userIdInIdp } = row;
  return {
    id: identityId,
    extIdpId,
    provider,
    type,
    userIdInIdp,
    label: labelOf(row),
    source: source(extIdpId, context),
  };
}

function blockOf(isLast: boolean, { isAllowed }: PageContext): string | null {
  if (!isAllowed) return 'FORBIDDEN';
  return isLast ? 'LAST_IDENTITY' : null;
}

function source(extIdpId: string, { sources }: PageContext): object | null {
  const row = sources.get(extIdpId);
  return row === undefined ? null : { id: row.id, name: row.name, provider: row.type, logo: row.logo };
}
