/** The exit codes of the command. */
export const EXIT = { done: 0, left: 1, usage: 2, notAllowed: 3, interrupted: 130 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command, or the part of it that has not begun. The message is shown to the user. */
export abstract class StopError extends Error {
  abstract readonly exitCode: ExitCode;
}

/** The command cannot be executed as it was given. Nothing was changed. */
export class UsageError extends StopError {
  readonly exitCode = EXIT.usage;
}

/** The user answered no. */
export class NotConfirmedError extends StopError {
  readonly exitCode = EXIT.usage;
}

/** The supergraph refuses the token, or what it permits. */
export class NotAllowedError extends StopError {
  readonly exitCode = EXIT.notAllowed;
}

/** The supergraph gives no usable response. */
export class UnavailableError extends StopError {
  readonly exitCode = EXIT.left;
}

export class InterruptedError extends StopError {
  readonly exitCode = EXIT.interrupted;

  constructor() {
    super('interrupted');
  }
}
