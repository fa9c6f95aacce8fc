import type { Authentication, Headers } from './authentication';
import { type Deadline, untilAborted } from '../deadline';
import { isObject } from '../json';

/** A token from `get-management-token`. */
export interface ManagementToken {
  accessToken: string;
  /** Lifetime in seconds, from when it was requested. */
  expiresIn: number;
}

export interface TokenOptions {
  /** Fetches a new token. Calls that wait for the token fail with its errors. */
  fetchToken: (deadline: Deadline) => Promise<ManagementToken>;
  /** Null: the claim `scoped_userpool_id` of the token. */
  userPoolId: string | null;
  lang: string;
}

/** The part of its lifetime after which a token is renewed, while it is still valid. */
const REFRESH_AT = 0.8;
/** Milliseconds after a failed fetch without another one. Meanwhile calls fail with the same error. */
const FAILURE_MS = 1_000;
/** Milliseconds for one fetch. A fetch serves many calls, so that the deadline of none of them applies to it. */
const FETCH_MS = 5_000;

/** The headers of a token, and when it has to be renewed, by `performance.now()`. */
interface Held {
  headers: Headers;
  refreshAt: number;
  expiresAt: number;
}

/**
 * Authenticates requests with a management token. The token is fetched for the first request and renewed at 80 % of its
 * lifetime, once for all calls. While a renewal fails, the old token is used until it expires.
 *
 * @see docs/genauth-api.md#management-token
 */
export function tokenAuthentication({ fetchToken, userPoolId, lang }: TokenOptions): Authentication {
  let held: Held | undefined;
  let pending: Promise<Held> | undefined;
  let failed: { error: unknown; until: number } | undefined;

  function fetch(): Promise<Held> {
    const asked = performance.now();
    pending ??= fetchToken(AbortSignal.timeout(FETCH_MS))
      .then(
        (token) => {
          failed = undefined;
          held = hold(token, asked, userPoolId, lang);
          return held;
        },
        (error: unknown) => {
          failed = { error, until: performance.now() + FAILURE_MS };
          throw error;
        },
      )
      .finally(() => {
        pending = undefined;
      });
    return pending;
  }

  return {
    async headers(_operation, deadline) {
      const now = performance.now();
      const resting = failed !== undefined && now < failed.until;
      if (held !== undefined && now < held.expiresAt) {
        // A failed renewal does not affect this call, which has a valid token.
        if (now >= held.refreshAt && !resting) fetch().catch(() => undefined);
        return held.headers;
      }
      if (failed !== undefined && resting) throw failed.error;
      return (await untilAborted(fetch(), deadline)).headers;
    },
    renew({ headers }) {
      // Another call may have renewed the token already; then the retry uses the newer one.
      if (held?.headers === headers) held = undefined;
      return true;
    },
  };
}

function hold(token: ManagementToken, asked: number, userPoolId: string | null, lang: string): Held {
  const pool = userPoolId ?? scopedUserPoolId(token.accessToken);
  const lifeMs = token.expiresIn * 1000;
  return {
    headers: [
      ...['authorization', `Bearer ${token.accessToken}`],
      ...['x-genauth-lang', lang],
      ...['x-authing-lang', lang],
      // Both header names are documented; which of them counts depends on the installation (docs/genauth-api.md#headers).
      ...(pool === null ? [] : ['x-authing-userpool-id', pool, 'x-genauth-userpool-id', pool]),
    ],
    refreshAt: asked + lifeMs * REFRESH_AT,
    expiresAt: asked + lifeMs,
  };
}

/** Reads the user pool from a token. It is not verified here, because it is only sent back to GenAuth, which verifies it. */
function scopedUserPoolId(token: string): string | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const pool = isObject(claims) ? claims['scoped_userpool_id'] : undefined;
    return typeof pool === 'string' && /^[\w-]{1,128}$/.test(pool) ? pool : null;
  } catch {
    return null;
  }
}
