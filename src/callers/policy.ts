/** A caller, as the verified access token describes it. */
export interface Actor {
  /** The issuer of the token. */
  readonly iss: string;
  /** The id of the user, or null for a machine. */
  readonly sub: string | null;
  /** The application that the token was issued to, or null if the token does not name it. */
  readonly azp: string | null;
  readonly scopes: readonly string[];
  /** When the user signed in: `auth_time`, or `iat` if the token has none. Milliseconds since 1970, or null if not known. */
  readonly signedInAt: number | null;
}

/**
 * The caller where the router has already authorized the request, or where nothing is authorized (`AUTH_MODE` `router` and
 * `none`). A symbol, so that neither a missing nor a parsed value can be mistaken for it.
 */
export const TRUSTED: unique symbol = Symbol('trusted');

export type Caller = Actor | typeof TRUSTED;

export interface PolicyOptions {
  /** The scope that lets a caller read the identities of every user. */
  scopeRead: string;
  /** The scope that lets a caller unlink the identities of every user. */
  scopeUnlink: string;
  /** The scope that lets a caller link identities to every user. */
  scopeLink: string;
  /** The scope that lets a caller end the sessions of every user. */
  scopeSessions: string;
  /** Whether users may unlink their own identities. */
  selfUnlink: 'allow' | 'deny';
  /** 0: no limit. Maximum age in milliseconds of the sign-in of users who unlink their own identities. */
  selfUnlinkMaxAgeMs: number;
}

/**
 * Decides what a caller may do. The decision depends only on the caller and the id of the user, so that it does not reveal
 * whether the user exists.
 */
export interface Policy {
  /** Users may read their own identities. Callers with `scopeRead` may read those of every user. */
  mayRead(caller: Caller, userId: string): boolean;
  /** Only callers with `scopeRead` may look for the owners of accounts: it reveals the accounts of other users. */
  mayFindOwners(caller: Caller): boolean;
  /** Users may unlink their own identities unless `selfUnlink` is `deny`. Callers with `scopeUnlink` may unlink all. */
  mayUnlink(caller: Caller, userId: string): boolean;
  /**
   * Whether the caller may unlink only as the user themselves, and the sign-in is older than `selfUnlinkMaxAgeMs` or not
   * known. Callers with `scopeUnlink` have no limit.
   *
   * @param now Default: the current time. Milliseconds since 1970.
   */
  isSignInTooOld(caller: Caller, userId: string, now?: number): boolean;
  /** Only callers with `scopeLink` may link, and never themselves: GenAuth does not check who owns the account. */
  mayLink(caller: Caller, userId: string): boolean;
  /** Users may end their own sessions. Callers with `scopeSessions` may end those of every user. */
  mayRevokeSessions(caller: Caller, userId: string): boolean;
}

const SCOPE = /^[!#-[\]-~]+$/;

/**
 * Whether a text is one scope that a token can contain.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3
 */
export function isScope(text: string): boolean {
  return SCOPE.test(text);
}

export function createPolicy(options: PolicyOptions): Policy {
  const { selfUnlink, selfUnlinkMaxAgeMs } = options;
  for (const name of ['scopeRead', 'scopeUnlink', 'scopeLink', 'scopeSessions'] as const) {
    if (!isScope(options[name])) throw new TypeError(`${name} must be one scope`);
  }
  const mayActOnAll = (caller: Caller, scope: string): boolean => caller === TRUSTED || holds(caller, scope);
  const mayUnlinkAll = (caller: Caller): boolean => mayActOnAll(caller, options.scopeUnlink);
  return {
    mayRead: (caller, userId) => isSelf(caller, userId) || mayActOnAll(caller, options.scopeRead),
    mayFindOwners: (caller) => mayActOnAll(caller, options.scopeRead),
    mayUnlink: (caller, userId) => (selfUnlink === 'allow' && isSelf(caller, userId)) || mayUnlinkAll(caller),
    isSignInTooOld(caller, userId, now = Date.now()) {
      if (selfUnlinkMaxAgeMs === 0 || !isSelf(caller, userId) || mayUnlinkAll(caller)) return false;
      const signedInAt = caller === TRUSTED ? null : caller.signedInAt;
      return signedInAt === null || now - signedInAt > selfUnlinkMaxAgeMs;
    },
    mayLink: (caller, userId) => !isSelf(caller, userId) && mayActOnAll(caller, options.scopeLink),
    mayRevokeSessions: (caller, userId) => isSelf(caller, userId) || mayActOnAll(caller, options.scopeSessions),
  };
}

/** Whether the caller is that user. False for `TRUSTED`, because then the user is not known. */
export function isSelf(caller: Caller, userId: string): boolean {
  return caller !== TRUSTED && typeof caller?.sub === 'string' && caller.sub !== '' && caller.sub === userId;
}

// `Array.isArray` and `?.` repeat what the types say: if a caller without the right type ever gets here, it may do nothing.
function holds(caller: Actor, scope: string): boolean {
  return Array.isArray(caller?.scopes) && caller.scopes.includes(scope);
}
