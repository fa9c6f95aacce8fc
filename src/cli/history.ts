import { UsageError } from './errors';
import { DigestMap } from './digestMap';
import type { IdKind } from './ids';
import { isDone, type JournalLine, keyOf, type RemovedIdentity, union } from './journalLine';

/** A user who is not done, and whose identities may be gone, because an earlier run began the user. */
export interface Begun {
  userId: string;
  /** The identities that were found before, or are known to be gone. */
  identities: readonly RemovedIdentity[];
}

/** The bits of the values in the map of keys. */
const SEEN = { counted: 1, done: 2, other: 4, begun: 8, doneBefore: 16 };

export interface HistoryOptions {
  kind: IdKind;
  /** The id of the source. */
  extIdpId: string;
  /** Whether a user is done only if the sessions were ended as well. */
  revokeSessions: boolean;
  path: string;
}

/** The progress of a run and of the earlier runs of its journal, by user or account. */
export class History {
  readonly #options: HistoryOptions;
  readonly #keys = new DigestMap();
  readonly #begun = new Map<string, Begun>();

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** @throws {UsageError} The line is of a run over another source, or over the other kind of ids. */
  add(line: JournalLine, number: number): void {
    const { kind, extIdpId, revokeSessions, path } = this.#options;
    const isAccount = line.account !== undefined;
    if (line.extIdpId !== extIdpId || isAccount !== (kind === 'account') || line.state === 'linked') {
      throw new UsageError(`${path} is the journal of another run (line ${number}): rename it, or give its options.`);
    }
    const key = keyOf(line);
    const { userId, state, removed } = line;
    if (userId !== null && state === 'sending') this.#begin(key, userId, removed);
    else if (userId !== null && state === 'unlinked' && revokeSessions && line.signedOut !== true) {
      this.#begun.set(key, { userId, identities: removed ?? [] });
    } else if (isDone(state)) this.finish(key, userId, removed ?? this.#begun.get(key)?.identities ?? []);
    else if (userId !== null && removed !== undefined) this.#begun.set(key, { userId, identities: removed });
    else if (state !== 'unknown' && state !== 'stillLinked') this.#begun.delete(key);
  }

  /** Returns what is known about a key that is not done. */
  begun(key: string): Begun | undefined {
    return this.#begun.get(key);
  }

  /** Counts a line of the file. `other`: a further account of a user who is done. */
  count(key: string): 'repeated' | 'done' | 'other' | 'new' {
    const flags = this.#keys.get(key);
    if ((flags & SEEN.counted) !== 0) return 'repeated';
    const isDoneBefore = (flags & SEEN.done) !== 0;
    this.#keys.set(key, flags | SEEN.counted | (isDoneBefore ? SEEN.doneBefore : 0));
    if (!isDoneBefore) return 'new';
    return (flags & SEEN.other) === 0 ? 'done' : 'other';
  }

  /** Begins a key. `no`: this was done before. `other`: this run has finished it with another account of its user. */
  begin(key: string): 'new' | 'no' | 'other' {
    const flags = this.#keys.get(key);
    this.#keys.set(key, flags | SEEN.begun);
    if ((flags & (SEEN.begun | SEEN.doneBefore)) !== 0) return 'no';
    return (flags & SEEN.done) === 0 ? 'new' : 'other';
  }

  /** Returns whether this run begins a user for the first time. Several accounts may have one owner. */
  beginOwner(userId: string): boolean {
    // No account id contains a line feed.
    return this.#options.kind === 'user' || this.begin(`\n${userId}`) === 'new';
  }

  /** @param removed Their accounts are done with the user. */
  finish(key: string, userId: string | null, removed: readonly RemovedIdentity[]): void {
    this.#begun.delete(key);
    this.#keys.set(key, this.#keys.get(key) | SEEN.done);
    if (this.#options.kind === 'user' || userId === null) return;
    for (const { userIdInIdp } of removed) {
      if (userIdInIdp === null || userIdInIdp === key) continue;
      const flags = this.#keys.get(userIdInIdp);
      if ((flags & SEEN.done) === 0) this.#keys.set(userIdInIdp, flags | SEEN.done | SEEN.other);
    }
  }

  #begin(key: string, userId: string, found: readonly RemovedIdentity[] = []): void {
    const earlier = this.#begun.get(key)?.identities ?? [];
    this.#begun.set(key, { userId, identities: union(earlier, found) });
  }
}
