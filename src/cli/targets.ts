import type { History } from './history';
import { type IdKind, problemOf } from './ids';
import { type Line, readLines } from './lines';
import type { Supergraph } from './supergraph';
import { complain, printable } from './terminal';
import { BATCH, readOwners, readUsers, type UserRead } from './users';

/** A file of users or accounts. */
export interface IdFile {
  path: string;
  kind: IdKind;
}

/** A line of the file that the run has to deal with, and what a read shows about it. */
export interface Target {
  line: Line;
  read: UserRead;
}

export interface TargetsOptions {
  file: IdFile;
  /** The id of the source of the accounts. */
  extIdpId: string;
  supergraph: Supergraph;
  history: History;
  /** Called for a line that turned out to be a further account of a user who is counted already. */
  onOther: () => void;
}

/** Counts the lines of a file that are new, done, and further accounts of users who are done. Sees each line once. */
export async function countTargets(
  { path }: IdFile,
  history: History,
): Promise<Record<'new' | 'done' | 'other' | 'repeated', number>> {
  const counts = { new: 0, done: 0, other: 0, repeated: 0 };
  for await (const { text } of readLines(path)) counts[history.count(text)]++;
  return counts;
}

/**
 * Reads the users of a file, batch by batch, and leaves out those who are done. The caller counts them before.
 *
 * @throws {StopError}
 */
export async function* readTargets({
  file,
  extIdpId,
  supergraph,
  history,
  onOther,
}: TargetsOptions): AsyncGenerator<Target[]> {
  const readBatch = async (lines: readonly Line[]): Promise<Target[]> => {
    const keys = lines.map(({ text }) => text);
    // The owner of an account that an earlier run may have unlinked cannot be found by the account any more.
    const ids = keys.map((key) => (file.kind === 'user' ? key : history.begun(key)?.userId));
    const byId = ids.filter((id) => id !== undefined);
    const accounts = keys.filter((_key, index) => ids[index] === undefined);
    const users = (byId.length === 0 ? [] : await readUsers(supergraph, byId)).values();
    const owners = (accounts.length === 0 ? [] : await readOwners(supergraph, extIdpId, accounts)).values();
    return lines.map((line, index) => {
      const { value: read = null } = (ids[index] === undefined ? owners : users).next();
      return { line, read };
    });
  };
  let lines: Line[] = [];
  for await (const line of readLines(file.path)) {
    const begun = history.begin(line.text);
    if (begun === 'other') onOther();
    if (begun !== 'new') continue;
    if (problemOf(file.kind, line.text) !== null) yield [{ line, read: 'BAD_USER_INPUT' }];
    else lines.push(line);
    if (lines.length === BATCH) {
      yield await readBatch(lines);
      lines = [];
    }
  }
  if (lines.length > 0) yield await readBatch(lines);
}

/** Reports the first invalid lines on stderr, and counts the others. */
export class InvalidLines {
  readonly #file: IdFile;
  #count = 0;

  constructor(file: IdFile) {
    this.#file = file;
  }

  add({ number, text }: Line): void {
    if (++this.#count > 10) return;
    const problem = problemOf(this.#file.kind, text) ?? 'not an id of this user pool';
    complain(`${this.#file.path}, line ${number}: "${printable(text.slice(0, 60))}" is ${problem}.`);
  }

  end(): void {
    if (this.#count > 10) complain(`${this.#file.path}: ${this.#count - 10} more lines are not valid.`);
  }
}
