import { InvalidArgumentError } from './errors';

declare const checked: unique symbol;

/** The id of a user or an identity source, known to be safe to sign. Only an `IdParser` makes one. */
export type GenAuthId = string & { readonly [checked]: 'GenAuthId' };

/** An identity's `type`, known to be safe to sign. Only `parseIdentityType` makes one. */
export type IdentityType = string & { readonly [checked]: 'IdentityType' };

/**
 * Checks that a value is an id that may be signed.
 *
 * @throws {InvalidArgumentError} naming `argument`, never the value.
 */
export type IdParser = (argument: string, value: unknown) => GenAuthId;

// The string to sign separates its parts with these and escapes nothing, so a value that holds one could pass for
// another request (genauth-wire.md, section 1a). What is left is printable ASCII.
const UNSAFE = /[^!-~]|[&=?#%/\\"'<>]/;
const MAX_LENGTH = 128;
const IDENTITY_TYPE = /^[A-Za-z0-9_.:-]{1,64}$/;

/**
 * Makes the check of ids for one user pool.
 *
 * @param pattern What an id looks like, matched against the whole of it. Whatever it allows, an id is never longer than
 *   128 characters and never holds a character that has a meaning in the string to sign.
 */
export function createIdParser(pattern: string): IdParser {
  const whole = new RegExp(`^(?:${pattern})$`);
  return (argument, value) => {
    if (
      typeof value !== 'string' ||
      value === '' ||
      value.length > MAX_LENGTH ||
      UNSAFE.test(value) ||
      !whole.test(value)
    ) {
      throw new InvalidArgumentError(argument, 'is not an id of this user pool');
    }
    return value as GenAuthId;
  };
}

/**
 * Checks that a value is an identity `type` that may be signed: 1 to 64 letters, digits, `_`, `.`, `:` or `-`.
 *
 * @throws {InvalidArgumentError} naming `argument`, never the value.
 */
export function parseIdentityType(argument: string, value: unknown): IdentityType {
  if (typeof value !== 'string' || !IDENTITY_TYPE.test(value)) {
    throw new InvalidArgumentError(argument, 'must be 1 to 64 letters, digits, "_", ".", ":" or "-"');
  }
  return value as IdentityType;
}
