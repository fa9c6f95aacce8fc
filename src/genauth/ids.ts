import { InvalidArgumentError } from './errors';

declare const checked: unique symbol;

/** The id of a user or an identity source, checked by an `IdParser`: it is safe to sign. */
export type GenAuthId = string & { readonly [checked]: 'GenAuthId' };

/** An identity's `type`, checked by `parseIdentityType`: it is safe to sign. */
export type IdentityType = string & { readonly [checked]: 'IdentityType' };

/** The id of a user at an identity provider, known to be safe to sign. Only `parseAccountId` makes one. */
export type AccountId = string & { readonly [checked]: 'AccountId' };

/**
 * Checks that a value is an id that may be signed.
 *
 * @throws {InvalidArgumentError} naming `argument`, never the value.
 */
export type IdParser = (argument: string, value: unknown) => GenAuthId;

/**
 * Characters that ids must not contain. The string to sign separates its parts with some of them and escapes nothing, so
 * that a value with one could be taken for another request. All others are printable ASCII.
 *
 * @see docs/genauth-api.md#request-signing
 */
const UNSAFE = /[^!-~]|[&=?#%/\\"'<>]/;
const MAX_LENGTH = 128;
const IDENTITY_TYPE = /^[A-Za-z0-9_.:-]{1,64}$/;

/**
 * Makes the parser of the ids of one user pool.
 *
 * @param pattern Regular expression, matched against the whole id. It cannot permit more than 128 characters, nor any
 *   character that has a meaning in the string to sign.
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

/** Providers choose the form of their ids. `&` separates the parts of the string to sign. Controls end lines in logs. */
const ACCOUNT_ID = /^[^&\p{C}]{1,512}$/u;

/**
 * Checks that a value is the id of a user at an identity provider that may be signed: 1 to 512 characters, without control
 * characters and `&`.
 *
 * @throws {InvalidArgumentError} naming `argument`, never the value.
 */
export function parseAccountId(argument: string, value: unknown): AccountId {
  if (typeof value !== 'string' || !ACCOUNT_ID.test(value)) {
    throw new InvalidArgumentError(argument, 'must be 1 to 512 characters without control characters and "&"');
  }
  return value as AccountId;
}
