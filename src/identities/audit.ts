import { statSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 } from 'uuid';
import { type Actor, TRUSTED } from '../callers';

/** The part of an actor that is recorded. */
export type RecordedActor = Pick<Actor, 'iss' | 'sub' | 'azp' | 'scopes'>;

/** What is about to be tried, and on whose behalf. Of a trusted caller the actor is recorded as null. */
export interface UnlinkIntent {
  /** Of `createOperationId`: unique, and the same in intent and outcome. */
  operationId: string;
  actor: RecordedActor | typeof TRUSTED;
  /** `type` is null where it is left to GenAuth. */
  target: { userId: string; extIdpId: string; type: string | null };
}

/** What became of it. */
export interface UnlinkOutcome extends UnlinkIntent {
  outcome: 'acked' | 'refused' | 'not_sent' | 'verified_absent' | 'unknown' | 'abandoned';
  upstream: { statusCode: number | null; apiCode: number | null; requestId: string | null; attempts: number };
  latencyMs: number;
}

/**
 * The audit trail: a line for what is about to be done and a line for what became of it. A record may be there although
 * its promise failed, never the other way round.
 */
export interface AuditLog {
  /**
   * Resolves when the record is durable. Until then nothing may be sent.
   *
   * @throws {AuditUnavailableError}
   */
  intent(record: UnlinkIntent): Promise<void>;
  /** @throws {AuditUnavailableError} The intent stays open, for the command that lists those. */
  outcome(record: UnlinkOutcome): Promise<void>;
  /** Whether the last record could not be written. While it cannot, no unlink is sent. */
  readonly failing: boolean;
  /** Waits for the records that are under way. */
  close(): Promise<void>;
}

/** The record could not be made durable. Its `cause` says why, and may name the file. */
export class AuditUnavailableError extends Error {
  override readonly name = 'AuditUnavailableError';

  constructor(cause: unknown) {
    super('the audit trail cannot be written', { cause });
  }
}

interface Sink {
  write(entries: readonly Entry[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * The least time from one write to the next. A synchronous write costs 50 to 100 µs of CPU time, whatever it holds: what comes
 * alone is written at once, and what comes in crowds shares.
 */
const GATHER_MS = 5;

/**
 * Opens the audit trail.
 *
 * A file is made if it is not there, readable by its owner alone; records that come at the same time share one synchronous
 * write, and after one that failed the next tries again. It may be renamed or removed at any time, as log rotation does.
 *
 * On `stdout` durable means that the operating system has the line: it outlives this process, and the rest is for the
 * platform that collects it.
 *
 * @param target `stdout`, or the path of a file, which this process must be allowed to read, too.
 * @param onFailure Told of the first failure after a success, so that a full disk is one event and not a thousand.
 * @throws {AuditUnavailableError} The file cannot be opened.
 */
export async function createAuditLog(
  target: string,
  onFailure: (error: AuditUnavailableError) => void = () => undefined,
): Promise<AuditLog> {
  const sink = target === 'stdout' ? new StdoutSink() : await FileSink.open(target);
  let next: Group | null = null;
  let writing: Promise<void> | undefined;
  let failing = false;
  let wroteAt = -Infinity;

  async function drain(): Promise<void> {
    while (next !== null) {
      const restMs = wroteAt + GATHER_MS - performance.now();
      if (restMs > 0) await pause(restMs);
      wroteAt = performance.now();
      const group: Group = next;
      next = null;
      try {
        await sink.write(group.entries);
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

  function append(record: UnlinkIntent | UnlinkOutcome): Promise<void> {
    const group = (next ??= new Group());
    group.entries.push({ ms: Date.now(), record });
    writing ??= drain();
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
  /** When it came, by the time of day. */
  ms: number;
  record: UnlinkIntent | UnlinkOutcome;
}

/** Records that share a write, and so a promise. */
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
    // Nobody need wait for an outcome: its failure is reported by the trail itself.
    this.written.catch(() => undefined);
  }
}

/**
 * Field by field, here and below: what a caller's object holds beyond these is nobody's business here. Written by hand, because
 * that takes half as long as making objects for `JSON.stringify`.
 */
function toLine({ ms, record }: Entry): string {
  const { operationId, actor, target } = record;
  const { userId, extIdpId, type } = target;
  const [event, ended] = 'outcome' in record ? ['unlink.outcome', `,${toOutcome(record)}`] : ['unlink.intent', ''];
  const of = `"userId":${quote(userId)},"extIdpId":${quote(extIdpId)},"type":${quote(type)}`;
  const by = `"operationId":${quote(operationId)},"actor":${toActor(actor)},"target":{${of}}`;
  return `{"ts":"${toTimestamp(ms)}","event":"${event}",${by}${ended}}\n`;
}

let last = { ms: NaN, text: '' };

/** Made once for each millisecond: in crowds many records have the same. */
function toTimestamp(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}

function toActor(actor: UnlinkIntent['actor']): string {
  if (actor === TRUSTED) return 'null';
  const { iss, sub, azp, scopes } = actor;
  return `{"iss":${quote(iss)},"sub":${quote(sub)},"azp":${quote(azp)},"scopes":[${scopes.map(quote).join(',')}]}`;
}

function toOutcome({ outcome, upstream, latencyMs }: UnlinkOutcome): string {
  const { statusCode, apiCode, requestId, attempts } = upstream;
  const heard = `"statusCode":${statusCode},"apiCode":${apiCode},"requestId":${quote(requestId)},"attempts":${attempts}`;
  return `"outcome":"${outcome}","upstream":{${heard}},"latencyMs":${latencyMs}`;
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** As JSON in ASCII: no claim of a token can end the line for any reader, whatever that reader takes for the end of a line. */
function quote(text: string | null): string {
  if (text === null) return 'null';
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

class FileSink implements Sink {
  readonly #path: string;
  #file: OpenFile;
  /** Whether the file is known to end with a whole line. */
  #whole = false;

  private constructor(path: string, file: OpenFile) {
    this.#path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<FileSink> {
    try {
      return new FileSink(path, await openFile(path));
    } catch (cause) {
      throw new AuditUnavailableError(cause);
    }
  }

  async write(entries: readonly Entry[]): Promise<void> {
    await this.#follow();
    const { handle } = this.#file;
    const start = this.#whole || (await endsWhole(handle)) ? '' : '\n';
    this.#whole = false;
    // Many lines made at once take half as long as one now and then.
    await handle.appendFile(start + entries.map(toLine).join(''));
    this.#whole = true;
  }

  close(): Promise<void> {
    return this.#file.handle.close();
  }

  /** A file that has lost its name would take records that nobody finds. */
  async #follow(): Promise<void> {
    // 2 µs, from what the system holds in memory: a thread to wait in would cost ten times that.
    const named = statSync(this.#path, { throwIfNoEntry: false });
    if (named?.ino === this.#file.ino && named.dev === this.#file.dev) return;
    const previous = this.#file.handle;
    this.#file = await openFile(this.#path);
    this.#whole = false;
    await previous.close();
  }
}

/** A file, and what tells it from others that get its name. */
interface OpenFile {
  handle: FileHandle;
  ino: number;
  dev: number;
}

/** Synchronous, rather than followed by fsync: Node 24 with `--permission` forbids that (reliability.md, section 6). */
async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'as+', 0o600);
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, ino: stats.ino, dev: stats.dev };
  await handle.close();
  throw new Error('not a regular file');
}

async function endsWhole(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === '\n';
}

/** How long a reader of our stdout may leave its pipe full, in milliseconds. */
const STDOUT_PATIENCE_MS = 1_000;

/** Past `process.stdout`, whose buffer dies with the process. One call for each line, which a pipe takes whole up to 4 KiB. */
class StdoutSink implements Sink {
  #whole = true;

  async write(entries: readonly Entry[]): Promise<void> {
    const until = performance.now() + STDOUT_PATIENCE_MS;
    for (const line of entries.map(toLine)) {
      for (let rest = Buffer.from(this.#whole ? line : `\n${line}`); rest.length > 0;) {
        try {
          rest = rest.subarray(writeSync(1, rest));
          this.#whole = rest.length === 0;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > until) throw error;
          await pause(5);
        }
      }
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Makes an id that is unique, and in the order of time: a UUID version 7. */
export function createOperationId(): string {
  return v7();
}
