/** The kind of ids in a file. */
export type IdKind = 'user' | 'account';

/** Printable ASCII, without the characters that no id of GenAuth may have and those that separate columns. */
const USER_ID = /^[^&=?#%/\\"'<>,;\P{ASCII}\p{C}\s]{1,128}$/u;
const ACCOUNT_ID = /^[^&\p{C}]{1,512}$/u;

/** Returns why a text is not an id. Null: it may be one; only the supergraph knows the pattern of the user pool. */
export function problemOf(kind: IdKind, text: string): string | null {
  if (kind === 'account') {
    return ACCOUNT_ID.test(text) ? null : 'not an account id: 1 to 512 characters, without "&" and control characters';
  }
  return USER_ID.test(text) ? null : 'not a user id: give one id per line, without quotes, columns or a heading';
}
