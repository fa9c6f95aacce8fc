import { setTimeout as pause } from 'node:timers/promises';
import type { Stdout } from '../stdout';
import { AuditUnavailableError } from './errors';
import { toLine } from './line';
import type { WriteIntent, WriteOutcome } from './records';
import { openSink } from './sinks';

/**
 * The audit trail: one line for the intent of a write to GenAuth, and one for its outcome. A record may be in the trail
 * although its promise was rejected. It is never missing if its promise was resolved.
 */
export interface AuditLog {
  /**
   * Resolves when the record is durable. The write must not be sent before.
   *
   * @throws {AuditUnavailableError}
   */
  intent(record: WriteIntent): Promise<void>;
  /** @throws {AuditUnavailableError} The intent stays open. `npm run audit:open` lists open intents. */
  outcome(record: WriteOutcome): Promise<void>;
  /** Whether the last record could not be written. Until one can be written, no write is sent to GenAuth. */
  readonly failing: boolean;
  /** Resolves when all pending records have been written. */
  close(): Promise<void>;
}

/**
 * The minimum time between the starts of two writes. A synchronous write takes 50 to 100 µs of CPU time for any number of
 * records. A single record is written at once; concurrent records share a write.
 */
const WRITE_INTERVAL_MS = 5;

/**
 * Opens the audit trail.
 *
 * A file is created if it does not exist, readable by its owner only. After a failed write, the next record is tried again.
 * Log rotation may rename or remove the file at any time.
 *
 * On stdout, a record is durable when the operating system has it. It survives the end of this process. The platform that
 * collects the output is responsible for the rest. If the record cannot be written within a second, it is rejected.
 *
 * @param target Stdout, or the path of a file that this process may read and write.
 * @param onFailure Called with the first failure after a success, so that a full disk is reported once.
 * @throws {AuditUnavailableError} The file cannot be opened.
 */
export async function createAuditLog(
  target: string | Stdout,
  onFailure: (error: AuditUnavailableError) => void = () => undefined,
): Promise<AuditLog> {
  const sink = await openSink(target);
  let next: Group | null = null;
  let writing: Promise<void> | undefined;
  let failing = false;
  let wroteAt = -Infinity;

  async function drain(): Promise<void> {
    while (next !== null) {
      const waitMs = wroteAt + WRITE_INTERVAL_MS - performance.now();
      if (waitMs > 0) await pause(waitMs);
      wroteAt = performance.now();
      const group: Group = next;
      next = null;
      try {
        await sink.write(
          group.entries.map(({ record, ms }) => ({ text: toLine(record, ms), isOutcome: 'outcome' in record })),
        );
        failing = false;
        group.resolve();
      } catch (cause) {
        const error = new AuditUnavailableError(cause);
        if (!failing) onFailure(error);
        failing = true;
        group.reject(error);
      }
    }
    writing = undefined;
  }

  function append(record: WriteIntent | WriteOutcome): Promise<void> {
    const group = (next ??= new Group());
    group.entries.push({ ms: Date.now(), record });
    // In a microtask, so that `writing` is set before `drain` clears it.
    writing ??= Promise.resolve().then(drain);
    return group.written;
  }

  return {
    get failing() {
      return failing;
    },
    intent: append,
    outcome: append,
    async close() {
      await writing;
      await sink.close();
    },
  };
}

interface Entry {
  /** The time of the record, in milliseconds since 1970. */
  ms: number;
  record: WriteIntent | WriteOutcome;
}

/** Records that share a write, and therefore a promise. */
class Group {
  readonly entries: Entry[] = [];
  readonly written: Promise<void>;
  resolve!: () => void;
  reject!: (error: AuditUnavailableError) => void;

  constructor() {
    this.written = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Callers need not wait for an outcome. Its failure is reported through `onFailure`.
    this.written.catch(() => undefined);
  }
}
