/** The record could not be made durable. The `cause` says why, and may contain the path of the file. */
export class AuditUnavailableError extends Error {
  override readonly name = 'AuditUnavailableError';

  constructor(cause: unknown) {
    super('the audit trail cannot be written', { cause });
  }
}
