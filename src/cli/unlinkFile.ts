import { existsSync } from 'node:fs';
import { EXIT, type ExitCode, type NotAllowedError, StopError, UsageError } from './errors';
import { History } from './history';
import { Journal } from './journal';
import { isDone, type JournalLine } from './journalLine';
import { Pool } from './pool';
import { Progress } from './progress';
import { findSource, type Source } from './sources';
import type { Supergraph } from './supergraph';
import { countTargets, type IdFile, InvalidLines, readTargets, type Target } from './targets';
import { complain, confirm, print, printable } from './terminal';
import { type Result, unlinkUser } from './unlinkUser';
import type { ReadUser } from './users';

export interface UnlinkFileCommand {
  /** Id or name. */
  source: string;
  file: IdFile;
  yes: boolean;
  reason?: string | undefined;
  keepLast: boolean;
  revokeSessions: boolean;
}

/** The name of the journal that `undo` writes. */
export function undoJournalOf(journal: string): string {
  return `${journal}.undo.jsonl`;
}

/** Unlinks all users of a file from a source. The journal makes it possible to continue and to undo. */
export async function unlinkFile(
  command: UnlinkFileCommand,
  supergraph: Supergraph,
  stop: AbortController,
): Promise<ExitCode> {
  const tally = new Tally(command.revokeSessions);
  let end: StopError | null;
  try {
    const source = await findSource(supergraph, command.source);
    end = await new Run(command, source, supergraph, stop, tally).run();
  } catch (error) {
    if (!(error instanceof StopError)) throw error;
    end = error;
    // A file that cannot be read has no summary.
    if (tally.users === 0) tally.users = await countUsers(command.file);
  }
  print(tally.toJson());
  if (end !== null) throw end;
  return tally.left === 0 ? EXIT.done : EXIT.left;
}

async function countUsers(file: IdFile): Promise<number> {
  const history = new History({ ...file, extIdpId: '', revokeSessions: false });
  return (await countTargets(file, history)).new;
}

/** The counts of the summary. */
class Tally {
  users = 0;
  doneBefore = 0;
  unlinked = 0;
  notLinked = 0;
  kept = 0;
  signedOut = 0;
  journal: string | null = null;
  readonly #revokeSessions: boolean;
  readonly #startedAt = performance.now();

  constructor(revokeSessions: boolean) {
    this.#revokeSessions = revokeSessions;
  }

  get left(): number {
    return this.users - this.doneBefore - this.unlinked - this.notLinked;
  }

  add({ state, signedOut }: Result): void {
    if (state === 'unlinked' || state === 'notLinked' || state === 'kept') this[state]++;
    if (signedOut === true) this.signedOut++;
  }

  toJson(): string {
    const { users, doneBefore, unlinked, notLinked, left, kept, signedOut, journal } = this;
    const seconds = Math.round((performance.now() - this.#startedAt) / 100) / 10;
    const sessions = this.#revokeSessions ? { signedOut } : {};
    return JSON.stringify({ users, doneBefore, unlinked, notLinked, left, kept, ...sessions, seconds, journal });
  }
}

class Run {
  readonly #command: UnlinkFileCommand;
  readonly #source: Source;
  readonly #supergraph: Supergraph;
  readonly #stop: AbortController;
  readonly #tally: Tally;
  readonly #invalid: InvalidLines;
  readonly #reasons = new Map<string, number>();
  /** Users who were begun and are not done. */
  #failed = 0;

  constructor(command: UnlinkFileCommand, source: Source, supergraph: Supergraph, stop: AbortController, tally: Tally) {
    this.#command = command;
    this.#source = source;
    this.#supergraph = supergraph;
    this.#stop = stop;
    this.#tally = tally;
    this.#invalid = new InvalidLines(command.file);
  }

  /** @returns Why the run was stopped. Null: it was not. */
  async run(): Promise<StopError | null> {
    const { file, revokeSessions } = this.#command;
    const path = `${file.path}.${this.#source.id}.jsonl`;
    if (existsSync(undoJournalOf(path))) {
      throw new UsageError(
        `The run of ${path} was undone. To unlink again, rename this file and ${undoJournalOf(path)}.`,
      );
    }
    const history = new History({ kind: file.kind, extIdpId: this.#source.id, revokeSessions, path });
    const journal = await Journal.open(path, (line, number) => history.add(line, number));
    try {
      this.#tally.journal = path;
      const counts = await countTargets(file, history);
      this.#tally.users = counts.new + counts.done;
      this.#tally.doneBefore = counts.done;
      if (counts.new > 0) await this.#confirm(counts.new);
      return await this.#unlinkAll(history, journal);
    } finally {
      await journal.close();
    }
  }

  async #confirm(users: number): Promise<void> {
    const { yes, file, revokeSessions } = this.#command;
    if (yes) return;
    const { name, id } = this.#source;
    const what = file.kind === 'user' ? 'users' : 'owners of accounts';
    const more = revokeSessions ? ', and sign them out' : '';
    await confirm(`Unlink ${users} ${what} from ${printable(name)} (${id})${more}?`, this.#stop.signal);
  }

  async #unlinkAll(history: History, journal: Journal): Promise<StopError | null> {
    const { file } = this.#command;
    const tally = this.#tally;
    const pool = new Pool(this.#supergraph.concurrency, this.#stop);
    const progress = new Progress(() => ({
      done: tally.users - tally.left + this.#failed,
      all: tally.users,
      note: this.#note(),
    }));
    const onOther = (): number => tally.users--;
    try {
      const batches = readTargets({ file, extIdpId: this.#source.id, supergraph: this.#supergraph, history, onOther });
      for await (const batch of batches) {
        for (const target of batch) await pool.start(() => this.#process(target, history, journal));
        if (this.#stop.signal.aborted) break;
      }
    } catch (error) {
      this.#stop.abort(error);
    }
    const end = await pool.drain().finally(() => progress.stop());
    this.#report();
    return end;
  }

  async #process({ line, read }: Target, history: History, journal: Journal): Promise<void> {
    const { file } = this.#command;
    const begun = history.begun(line.text);
    const id = file.kind === 'user' ? line.text.slice(0, MAX_ID) : (begun?.userId ?? null);
    const account = file.kind === 'account' ? { account: line.text } : {};
    const userId = typeof read === 'object' && read !== null ? read.id : id;
    if (read !== null && typeof read === 'object' && !history.beginOwner(read.id)) {
      this.#tally.users--;
      return;
    }
    const common = { userId, ...account, extIdpId: this.#source.id, reason: this.#command.reason };
    let result: Result;
    if (typeof read === 'string') result = { state: 'failed', code: read };
    else if (read !== null) result = await this.#unlink(read, begun?.identities, journal, common);
    else if (begun !== undefined) result = { state: 'unlinked', removed: begun.identities };
    else result = { state: 'notLinked' };
    if (result.code === 'BAD_USER_INPUT') this.#invalid.add(line);
    await journal.append({ ...common, ...result });
    this.#tally.add(result);
    if (isDone(result.state)) history.finish(line.text, userId, result.removed ?? []);
    else this.#addLeft(result);
  }

  #unlink(
    user: ReadUser,
    begun: JournalLine['removed'],
    journal: Journal,
    common: Omit<JournalLine, 'ts' | 'state'>,
  ): Promise<Result> {
    const { keepLast, revokeSessions } = this.#command;
    const options = { supergraph: this.#supergraph, extIdpId: this.#source.id, keepLast, revokeSessions };
    return unlinkUser(options, {
      user,
      begun,
      onSend: (removed, xRequestId) => journal.append({ ...common, state: 'sending', removed, xRequestId }),
      onNotAllowed: (error: NotAllowedError) => this.#stop.abort(error),
    });
  }

  #addLeft({ state, code, apiCode }: Result): void {
    this.#failed++;
    const reason = [state, code, apiCode].filter((each) => each !== undefined).join(' ');
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  #note(): string {
    const { pausedForMs } = this.#supergraph.pace;
    const failed = this.#failed === 0 ? [] : [`${this.#failed} failed`];
    return [...failed, ...(pausedForMs > 1_000 ? [`paused for ${Math.ceil(pausedForMs / 1_000)} s`] : [])].join(', ');
  }

  #report(): void {
    this.#invalid.end();
    for (const [reason, count] of this.#reasons) complain(`${count} left: ${printable(reason)}`);
    if (this.#tally.left > 0) complain(`${this.#tally.left} users are left. The same command continues.`);
  }
}

/** The longest id that an invalid line is recorded with. */
const MAX_ID = 128;
