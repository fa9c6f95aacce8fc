import { type DestinationStream, type Logger, pino, symbols } from 'pino';

export type Log = Logger;

/**
 * Makes the process's log: JSON lines on stdout.
 *
 * @param options.pretty Default false. For people instead of machines; a development dependency.
 */
export function createLog(level: string, { pretty = false } = {}): Log {
  const options = { level, base: null, serializers: { err: describeError } };
  return pretty ? pino(options, prettyStream()) : pino(options, stdout());
}

/** Lines wait for company, so that one call of the system writes many: for so many characters or milliseconds at most. */
const GATHER = { characters: 8 * 1024, ms: 50 };

/**
 * Gathers lines before another stream writes them. pino's own stream can do that, too, but copies all that it has gathered for
 * every line that comes.
 */
export class GatheringStream implements DestinationStream {
  readonly #to: DestinationStream;
  #lines: string[] = [];
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(to: DestinationStream) {
    this.#to = to;
  }

  write(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters >= GATHER.characters) this.flushSync();
    else this.#timer ??= setTimeout(() => this.flushSync(), GATHER.ms);
  }

  /** pino asks for it, too, after a line that may be the last. */
  flushSync(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#characters = 0;
    this.#to.write(text);
  }
}

/** What is logged of a GraphQL request; what is of a closed set needs no escaping. */
export interface RequestReport {
  requestId: string;
  traceId: string | null;
  operation: 'entities' | 'unlink' | 'service' | 'other';
  operationName: string | null;
  outcome: 'ok' | 'partial' | 'error' | 'refused';
  codes: readonly string[];
  /** Logged in whole ones. */
  ms: number;
  calls: number;
}

/**
 * Makes what logs requests, one line each. It is the same line that the log would write, by hand: of a request that is
 * answered in 40 µs, pino takes 2 more.
 */
export function createRequestLog(log: Log): (report: RequestReport) => void {
  const stream = (log as unknown as Record<symbol, unknown>)[symbols.streamSym];
  const level = log.levels.values['info'];
  return (report) => {
    const { requestId, traceId, operation, operationName, outcome, codes, calls } = report;
    const ms = Math.round(report.ms);
    if (!(stream instanceof GatheringStream)) {
      log.info({ requestId, traceId, operation, operationName, outcome, codes, ms, calls }, 'request');
    } else if (log.isLevelEnabled('info')) {
      const found = `"requestId":${JSON.stringify(requestId)},"traceId":${JSON.stringify(traceId)}`;
      const asked = `"operation":"${operation}","operationName":${JSON.stringify(operationName)}`;
      const ended = `"outcome":"${outcome}","codes":${JSON.stringify(codes)},"ms":${ms},"calls":${calls}`;
      stream.write(`{"level":${level},"time":${Date.now()},${found},${asked},${ended},"msg":"request"}\n`);
    }
  };
}

let destination: DestinationStream | undefined;

/** One for the process, so that lines stay whole, and in order. */
function stdout(): DestinationStream {
  if (destination === undefined) {
    const gathering = new GatheringStream(pino.destination({ fd: 1, sync: true }));
    process.on('exit', () => gathering.flushSync());
    destination = gathering;
  }
  return destination;
}

function prettyStream(): DestinationStream {
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
