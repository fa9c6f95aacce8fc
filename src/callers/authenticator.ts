import { type KeysUnavailableError } from './errors';
import { type Caller, TRUSTED } from './policy';
import { createRouterCredential } from './router';
import { createTokenVerifier } from './token';

/**
 * What a request has to show: the router's credential, the caller's token, both, or nothing at all, which only a listener
 * that nobody else can reach may ask for.
 */
export type AuthMode = 'strict' | 'router' | 'jwt' | 'none';

export interface AuthenticatorOptions {
  mode: AuthMode;
  /** For `strict` and `router`. Any one is accepted, so that they can be rotated. */
  routerSecrets: readonly string[];
  /** For `strict` and `jwt`. */
  tokens: { issuer: string; audience: readonly string[]; jwksUri: string | null } | null;
  /** Told of every fetch of the issuer's keys that failed. */
  onKeysFailure: (error: KeysUnavailableError) => void;
}

/** Every value of each header: repeated ones are refused, not joined. */
export interface CallerHeaders {
  routerAuthorization: readonly string[];
  authorization: readonly string[];
}

export interface Authenticator {
  /**
   * Finds out who asks: at once, where that was found out before.
   *
   * @throws {UnauthenticatedError} What was shown is not enough.
   * @throws {KeysUnavailableError} There is nothing to verify the token with.
   */
  authenticate(headers: CallerHeaders): Caller | Promise<Caller>;
  /** Whether there is all that is needed to authenticate. */
  ready(): boolean;
  /** Begins to load the issuer's keys. Resolves when the first attempt is over, well or not. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Makes the check of callers for one mode. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { mode, routerSecrets, tokens, onKeysFailure } = options;
  const router = mode === 'strict' || mode === 'router' ? createRouterCredential(routerSecrets) : null;
  if ((mode === 'strict' || mode === 'jwt') && tokens === null) throw new TypeError(`mode ${mode} needs tokens`);
  const verifier =
    tokens !== null && (mode === 'strict' || mode === 'jwt') ? createTokenVerifier({ ...tokens, onKeysFailure }) : null;
  return {
    authenticate({ routerAuthorization, authorization }) {
      // Whoever showed the same before was let in with it: one digest tells, instead of one for each header.
      const shown = router === null ? [] : routerAuthorization;
      const known = verifier?.recall(authorization, shown) ?? null;
      if (known !== null) return known;
      router?.check(routerAuthorization);
      return verifier?.verify(authorization, shown) ?? TRUSTED;
    },
    ready: () => verifier?.ready() ?? true,
    start: () => verifier?.start() ?? Promise.resolve(),
    close: () => verifier?.close() ?? Promise.resolve(),
  };
}
