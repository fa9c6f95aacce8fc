import { hash, timingSafeEqual } from 'node:crypto';
import { UnauthenticatedError } from './errors';

/** Knows the router by the secret it sends. */
export interface RouterCredential {
  /**
   * Passes when exactly one header came and holds one of the secrets.
   *
   * @param values Every value of the header, as `headersDistinct` has them: `headers` would join repeated ones.
   * @throws {UnauthenticatedError}
   */
  check(values: readonly string[]): void;
}

/** What a header can carry unchanged, without the comma that separates the secrets of a list and the values of a header. */
const SECRET = /^[!-+\--~]{32,}$/;

/**
 * Makes the check of the router's credential.
 *
 * @param secrets Any one is accepted, so that they can be rotated. Each 32 or more printable ASCII characters without a
 *   space or a comma.
 */
export function createRouterCredential(secrets: readonly string[]): RouterCredential {
  if (secrets.length === 0) throw new TypeError('secrets must hold at least one');
  if (!secrets.every((secret) => SECRET.test(secret))) {
    throw new TypeError('secrets must each be 32 or more printable ASCII characters without a space or a comma');
  }
  const digests = secrets.map(sha256);
  return {
    check(values) {
      const [value] = values;
      if (values.length > 1) throw new UnauthenticatedError('credential_repeated');
      if (value === undefined || value === '') throw new UnauthenticatedError('credential_missing');
      // Digests are of one length, and each is compared to its end: time tells neither how much of a secret was right
      // nor which one it was.
      const presented = sha256(value);
      const matches = digests.filter((digest) => timingSafeEqual(digest, presented));
      if (matches.length === 0) throw new UnauthenticatedError('credential_wrong');
    },
  };
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
