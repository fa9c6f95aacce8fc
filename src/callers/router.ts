import { timingSafeEqual } from 'node:crypto';
import { UnauthenticatedError } from './errors';

/** Authenticates the router by a secret that it sends with every request. */
export interface RouterCredential {
  /**
   * Returns if there is exactly one header and it contains one of the secrets.
   *
   * @param values Every value of the header, as in `headersDistinct`. Node's `headers` would join repeated ones.
   * @throws {UnauthenticatedError}
   */
  check(values: readonly string[]): void;
}

const SECRET = /^[!-+\--~]{32,}$/;

/**
 * Whether a text can be a secret of the router: 32 or more printable ASCII characters, without a space or a comma. Commas
 * separate the secrets of a list and the values of a header.
 */
export function isRouterSecret(text: string): boolean {
  return SECRET.test(text);
}

/**
 * Creates the check of the router's secret.
 *
 * @param secrets Each of them is accepted, so that secrets can be rotated.
 */
export function createRouterCredential(secrets: readonly string[]): RouterCredential {
  if (secrets.length === 0) throw new TypeError('secrets must contain at least one');
  if (!secrets.every(isRouterSecret)) {
    throw new TypeError('secrets must each be 32 or more printable ASCII characters without a space or a comma');
  }
  // One character more than the longest secret, so that a longer value differs in a place that is compared.
  const size = Math.max(...secrets.map(({ length }) => length)) + 1;
  const known = secrets.map((secret) => padded(secret, size));
  return {
    check(values) {
      const [value] = values;
      if (values.length > 1) throw new UnauthenticatedError('credential_repeated');
      if (value === undefined || value === '') throw new UnauthenticatedError('credential_missing');
      // All have one length, and each of them is compared to its end. The duration therefore reveals neither how many
      // characters were right nor which secret matched.
      const presented = padded(value, size);
      const matches = known.filter((secret) => timingSafeEqual(secret, presented));
      if (matches.length === 0) throw new UnauthenticatedError('credential_wrong');
    },
  };
}

/** Returns the first `size` bytes of a text. A shorter text is followed by zeros, which are no characters of a secret. */
function padded(text: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.write(text, 'latin1');
  return bytes;
}
