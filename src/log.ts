import { type DestinationStream, type Logger, pino } from 'pino';
import type { RequestReport } from './graphql';

export type Log = Logger;

/** Creates a log that writes JSON lines to a stream. */
export function createLog(level: string, stream: DestinationStream): Log {
  return pino({ level, base: null, serializers: { err: describeError } }, stream);
}

/** Writes the line of a GraphQL request. */
export function logRequest(log: Log, report: RequestReport): void {
  log.info({ ...report, ms: Math.round(report.ms) }, 'request');
}

/** Opens stdout for a log that people read. It needs the development dependency pino-pretty. */
export function openPrettyStdout(): DestinationStream {
  const pinoPretty = require('pino-pretty') as (options: object) => DestinationStream;
  return pinoPretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' });
}

interface ErrorDescription {
  type: string;
  code?: string;
  stack: string[];
  cause?: ErrorDescription;
}

/**
 * Returns the parts of an error that may be logged: its type, its code, and the lines of its stack. The message is left out,
 * because the message of an unexpected error may contain credentials or personal data.
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
