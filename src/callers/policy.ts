/** Who asks, as the verified access token says. */
export interface Actor {
  /** The issuer of the token. */
  readonly iss: string;
  /** The user's id, or null for a machine. */
  readonly sub: string | null;
  /** The application that the token was issued to, where it says so. */
  readonly azp: string | null;
  readonly scopes: readonly string[];
}

/**
 * Stands in for the actor where somebody else has authorized the caller, such as the router. A symbol, so that nothing
 * absent, parsed or forgotten can be mistaken for it.
 */
export const TRUSTED: unique symbol = Symbol('trusted');

export type Caller = Actor | typeof TRUSTED;

export interface PolicyOptions {
  /** Lets a caller read the identities of any user. */
  scopeRead: string;
  /** Lets a caller unlink the identities of any user. */
  scopeUnlink: string;
  /** Whether users may unlink their own identities. */
  selfUnlink: 'allow' | 'deny';
}

/**
 * Says who may do what. It looks at nothing but the caller and the user's id, so that its answer cannot tell whether the
 * user exists.
 */
export interface Policy {
  /** Users may read their own identities, holders of `scopeRead` anyone's. */
  mayRead(caller: Caller, userId: string): boolean;
  /** Users may unlink their own identities unless `selfUnlink` is `deny`, holders of `scopeUnlink` anyone's. */
  mayUnlink(caller: Caller, userId: string): boolean;
}

// RFC 6749, section 3.3: anything else could never be in a token, and an empty one is a variable left blank.
const SCOPE = /^[!#-[\]-~]+$/;

export function createPolicy({ scopeRead, scopeUnlink, selfUnlink }: PolicyOptions): Policy {
  if (!SCOPE.test(scopeRead)) throw new TypeError('scopeRead must be one scope');
  if (!SCOPE.test(scopeUnlink)) throw new TypeError('scopeUnlink must be one scope');
  return {
    mayRead: (caller, userId) => caller === TRUSTED || isSelf(caller, userId) || holds(caller, scopeRead),
    mayUnlink: (caller, userId) =>
      caller === TRUSTED || (selfUnlink === 'allow' && isSelf(caller, userId)) || holds(caller, scopeUnlink),
  };
}

/** Whether the caller is known to be that user. Of a trusted caller it is not known. */
export function isSelf(caller: Caller, userId: string): boolean {
  return caller !== TRUSTED && typeof caller?.sub === 'string' && caller.sub !== '' && caller.sub === userId;
}

// The types rule out a caller that is absent. The checks are for the day they are wrong: then the answer is no.
function holds(caller: Actor, scope: string): boolean {
  return Array.isArray(caller?.scopes) && caller.scopes.includes(scope);
}
