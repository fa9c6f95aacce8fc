import type { KeysUnavailableError } from './errors';
import { type Caller, TRUSTED } from './policy';
import { createRouterCredential } from './router';
import { createTokenVerifier, type TokenVerifierOptions } from './token';

/**
 * The credentials that a request needs: `router` the router's secret, `jwt` the caller's access token, `strict` both, and
 * `none` neither. `none` is only for a listener that other machines cannot reach.
 */
export type AuthMode = 'strict' | 'router' | 'jwt' | 'none';

export interface AuthenticatorOptions {
  mode: AuthMode;
  /** For `strict` and `router`. Each of them is accepted, so that secrets can be rotated. */
  routerSecrets: readonly string[];
  /** For `strict` and `jwt`. */
  tokens: Pick<TokenVerifierOptions, 'issuer' | 'audience' | 'jwksUri'> | null;
  /** Called for every failed fetch of the issuer's keys. */
  onKeysFailure: (error: KeysUnavailableError) => void;
}

/** Every value of each header. A repeated header is refused; its values are never joined. */
export interface CallerHeaders {
  routerAuthorization: readonly string[];
  authorization: readonly string[];
}

export interface Authenticator {
  /**
   * Identifies the caller of a request.
   *
   * @throws {UnauthenticatedError} A credential is missing or wrong.
   * @throws {KeysUnavailableError} The issuer's keys, which the token is verified with, are not available.
   */
  authenticate(headers: CallerHeaders): Promise<Caller>;
  /** Whether callers can be authenticated: in modes with tokens, whether the issuer's keys are available. */
  ready(): boolean;
  /** Begins to load the issuer's keys. Resolves when the first attempt has ended, whether it succeeded or not. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Creates the authenticator of one mode. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { mode, routerSecrets, tokens, onKeysFailure } = options;
  const router = mode === 'strict' || mode === 'router' ? createRouterCredential(routerSecrets) : null;
  if ((mode === 'strict' || mode === 'jwt') && tokens === null) throw new TypeError(`mode ${mode} needs tokens`);
  const verifier =
    tokens !== null && (mode === 'strict' || mode === 'jwt') ? createTokenVerifier({ ...tokens, onKeysFailure }) : null;
  return {
    async authenticate({ routerAuthorization, authorization }) {
      router?.check(routerAuthorization);
      return verifier?.verify(authorization) ?? TRUSTED;
    },
    ready: () => verifier?.ready() ?? true,
    start: () => verifier?.start() ?? Promise.resolve(),
    close: () => verifier?.close() ?? Promise.resolve(),
  };
}
