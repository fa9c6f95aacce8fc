import { type Logger, pino } from 'pino';

export type Log = Logger;

/** Makes the process's log: JSON lines on stdout. */
export function createLog(level: string): Log {
  return pino({ level, base: null, serializers: { err: describeError } });
}

interface ErrorDescription {
  type: string;
  code?: string;
  stack: string[];
  cause?: ErrorDescription;
}

/**
 * Says of an error what may be logged: its type, its code, and where it was thrown. Its message is left out, because the
 * message of an error that nobody foresaw can hold anything.
 */
function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, stack: [] };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim()),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
