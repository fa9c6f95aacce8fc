import type { WriteKind } from '../audit';

/** Returns what was thrown, which need not be an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('not an error was thrown', { cause: thrown });
}

/** The write was not executed, and may be sent again. Its `cause` is the reason. */
export class NotExecutedError extends Error {
  override readonly name = 'NotExecutedError';
  /** Identifies the records in the audit trail; null if there are none. */
  readonly operationId: string | null;

  constructor(cause: unknown, operationId: string | null = null) {
    super('the write was not executed', { cause });
    this.operationId = operationId;
  }
}

/** The write may have been executed, and a read did not show that it was. Its `cause` is the reason. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  readonly kind: WriteKind;
  /** Identifies the records in the audit trail. */
  readonly operationId: string;

  constructor(kind: WriteKind, cause: unknown, operationId: string) {
    super('the write may or may not have been executed', { cause });
    this.kind = kind;
    this.operationId = operationId;
  }
}

/** GenAuth confirmed a write, but every read afterwards contradicts it. */
export class NotVisibleError extends Error {
  override readonly name = 'NotVisibleError';

  constructor() {
    super('GenAuth confirmed the write, but a read does not show it');
  }
}

/** The user could no longer sign in after the unlink. */
export class LastIdentityError extends Error {
  override readonly name = 'LastIdentityError';

  constructor() {
    super('the unlink would remove the last way to sign in');
  }
}

/** Users may unlink their own identities only for a limited time after they signed in. */
export class SignInTooOldError extends Error {
  override readonly name = 'SignInTooOldError';

  constructor() {
    super('the sign-in is too long ago');
  }
}

/** The `extIdpId` of an unlink is the id of an identity or of a connection. */
export class NotAnIdentitySourceError extends Error {
  override readonly name = 'NotAnIdentitySourceError';

  constructor() {
    super('extIdpId is not the id of an identity source');
  }
}

/** Whether an error says which audit records belong to it. */
export function hasOperationId(error: unknown): error is NotExecutedError | OutcomeUnknownError {
  return error instanceof NotExecutedError || error instanceof OutcomeUnknownError;
}
