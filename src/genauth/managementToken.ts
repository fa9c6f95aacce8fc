import type { Authentication, Headers } from './authentication';
import { type Deadline, untilAborted } from '../deadline';
import { isObject } from '../json';

/** A token of `get-management-token`, and its life. */
export interface ManagementToken {
  accessToken: string;
  /** Seconds from when it was asked for. */
  expiresIn: number;
}

export interface TokenOptions {
  /** Fetches a new token. Its errors reach the calls that wait for it. */
  fetchToken: (deadline: Deadline) => Promise<ManagementToken>;
  /** Default: the token's own claim `scoped_userpool_id`. */
  userPoolId: string | null;
  lang: string;
}

/** The part of its life after which a token is renewed while it still serves. */
const REFRESH_AT = 0.8;
/** How long a failed fetch speaks for the next one, so that a thousand waiting calls do not ask a thousand times. */
const FAILURE_MS = 1_000;
/** A fetch serves every call that waits for it, so that it has a limit of its own rather than one of theirs. */
const FETCH_MS = 5_000;

interface Held {
  headers: Headers;
  refreshAt: number;
  expiresAt: number;
}

/**
 * Sends a management token, fetched when first needed and renewed at 80 % of its life, once for all calls. While a renewal
 * fails the old token goes on serving to its end.
 *
 * @see genauth-wire.md, section 1b
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
        // The failure of a renewal is not this call's: it has a token that serves.
        if (now >= held.refreshAt && !resting) fetch().catch(() => undefined);
        return held.headers;
      }
      if (failed !== undefined && resting) throw failed.error;
      return (await untilAborted(fetch(), deadline)).headers;
    },
    renew({ headers }) {
      // Another call may have renewed it already; then the newer one is what to try.
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
      // Which of the two names counts depends on the installation: both are documented (genauth-wire.md, section 1b).
      ...(pool === null ? [] : ['x-authing-userpool-id', pool, 'x-genauth-userpool-id', pool]),
    ],
    refreshAt: asked + lifeMs * REFRESH_AT,
    expiresAt: asked + lifeMs,
  };
}

/** Reads the pool from the token without verifying it: it is GenAuth's to verify, and only goes back to where it came from. */
function scopedUserPoolId(token: string): string | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const pool = isObject(claims) ? claims['scoped_userpool_id'] : undefined;
    return typeof pool === 'string' && /^[\w-]{1,128}$/.test(pool) ? pool : null;
  } catch {
    return null;
  }
}
