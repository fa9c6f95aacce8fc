/** Nothing was executed, and the same unlink may be sent again. Its `cause` says why. */
export class UnlinkNotExecutedError extends Error {
  override readonly name = 'UnlinkNotExecutedError';

  constructor(cause: unknown) {
    super('the unlink was not executed', { cause });
  }
}

/** The unlink may have been executed, and reading did not show that it was. Its `cause` is what happened to the answer. */
export class UnlinkOutcomeUnknownError extends Error {
  override readonly name = 'UnlinkOutcomeUnknownError';

  constructor(cause: unknown) {
    super('the unlink may or may not have been executed', { cause });
  }
}
