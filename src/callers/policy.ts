/** A caller, as the verified access token describes it. */
export interface Actor {
  /** The issuer of the token. */
  readonly iss: string;
  /** The id of the user, or null for a machine. */
  readonly sub: string | null;
  /** The application that the token was issued to, or null if the token does not name it. */
  readonly azp: string | null;
  readonly scopes: readonly string[];
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
  /** Whether users may unlink their own identities. */
  selfUnlink: 'allow' | 'deny';
}

/**
 * Decides what a caller may do. The decision depends only on the caller and the id of the user, so that it does not reveal
 * whether the user exists.
 */
export interface Policy {
  /** Users may read their own identities. Callers with `scopeRead` may read those of every user. */
  mayRead(caller: Caller, userId: string): boolean;
  /** Users may unlink their own identities unless `selfUnlink` is `deny`. Callers with `scopeUnlink` may unlink all. */
  mayUnlink(caller: Caller, userId: string): boolean;
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

export function createPolicy({ scopeRead, scopeUnlink, selfUnlink }: PolicyOptions): Policy {
  if (!isScope(scopeRead)) throw new TypeError('scopeRead must be one scope');
  if (!isScope(scopeUnlink)) throw new TypeError('scopeUnlink must be one scope');
  return {
    mayRead: (caller, userId) => caller === TRUSTED || isSelf(caller, userId) || holds(caller, scopeRead),
    mayUnlink: (caller, userId) =>
      caller === TRUSTED || (selfUnlink === 'allow' && isSelf(caller, userId)) || holds(caller, scopeUnlink),
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
