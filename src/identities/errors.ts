/** Nothing was executed, and the same unlink may be sent again. The `cause` is the reason. */
export class UnlinkNotExecutedError extends Error {
  override readonly name = 'UnlinkNotExecutedError';
  /** Identifies the records in the audit trail. Null if there are none. */
  readonly operationId: string | null;

  constructor(cause: unknown, operationId: string | null = null) {
    super('the unlink was not executed', { cause });
    this.operationId = operationId;
  }
}

/** The unlink may have been executed, and reads did not show it. The `cause` is the reason why the response was lost. */
export class UnlinkOutcomeUnknownError extends Error {
  override readonly name = 'UnlinkOutcomeUnknownError';
  /** Identifies the records in the audit trail. */
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
