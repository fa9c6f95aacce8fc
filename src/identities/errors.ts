/** Nothing was executed, and the same unlink may be sent again. Its `cause` says why. */
export class UnlinkNotExecutedError extends Error {
  override readonly name = 'UnlinkNotExecutedError';
  /** Of the audit trail; null where it did not come to that. */
  readonly operationId: string | null;

  constructor(cause: unknown, operationId: string | null = null) {
    super('the unlink was not executed', { cause });
    this.operationId = operationId;
  }
}

/** The unlink may have been executed, and reading did not show that it was. Its `cause` is what happened to the answer. */
export class UnlinkOutcomeUnknownError extends Error {
  override readonly name = 'UnlinkOutcomeUnknownError';
  /** Of the audit trail. */
  readonly operationId: string;

  constructor(cause: unknown, operationId: string) {
    super('the unlink may or may not have been executed', { cause });
    this.operationId = operationId;
  }
}

/** The unlink would leave the user no way to sign in. */
export class LastIdentityError extends Error {
  override readonly name = 'LastIdentityError';

  constructor() {
    super('the unlink would take the last way to sign in');
  }
}
