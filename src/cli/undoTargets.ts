import { DigestMap } from './digestMap';
import { UsageError } from './errors';
import { readJournal } from './journal';
import type { JournalLine, RemovedIdentity } from './journalLine';

/** A user whom a run has unlinked, or may have unlinked. */
export interface Unlinked {
  userId: string;
  /** The source of the run. */
  extIdpId: string;
  /** Undefined: it is not known. */
  removed: readonly RemovedIdentity[] | undefined;
}

/** Marks a user of whom nothing was removed. */
const NOTHING = 0xffff_ffff;

/** The users whom the run of a journal has unlinked. Needs little memory: the journal is read twice. */
export class UndoTargets {
  readonly #path: string;
  /** The number of the line that says what is gone, by user. */
  readonly #lines = new DigestMap();
  #count = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws {UsageError} The file is not the journal of a run. */
  static async open(path: string): Promise<UndoTargets> {
    const targets = new UndoTargets(path);
    await readJournal(path, (line, number) => targets.#add(line, number));
    return targets;
  }

  /** The number of users. */
  get count(): number {
    return this.#count;
  }

  /** Calls back for each user, one after another. */
  async forEach(callback: (unlinked: Unlinked) => Promise<void>): Promise<void> {
    await readJournal(this.#path, async ({ userId, extIdpId, removed }, number) => {
      if (userId !== null && this.#lines.get(userId) === number) await callback({ userId, extIdpId, removed });
    });
  }

  #add({ userId, state, removed }: JournalLine, number: number): void {
    if (state === 'linked') throw new UsageError(`${this.#path} is the journal of "undo" itself.`);
    if (userId === null) return;
    // These say nothing new: what `sending` names may be gone.
    if (removed === undefined && (state === 'unknown' || state === 'stillLinked')) return;
    const isGone = removed === undefined ? state === 'unlinked' : removed.length > 0;
    const before = this.#lines.get(userId);
    const wasGone = before !== 0 && before !== NOTHING;
    if (isGone !== wasGone) this.#count += isGone ? 1 : -1;
    this.#lines.set(userId, isGone ? number : NOTHING);
  }
}
