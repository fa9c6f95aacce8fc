import { type Judgement, LinkIdentityDocument } from '../client';
import { DigestMap } from './digestMap';
import { EXIT, type ExitCode, NotAllowedError, StopError } from './errors';
import { Journal } from './journal';
import { type RemovedIdentity, type State, without } from './journalLine';
import { Lock } from './lock';
import { mutate, settle, type Unreachable } from './mutate';
import { Pool } from './pool';
import { Progress } from './progress';
import type { Supergraph } from './supergraph';
import { complain, confirm, print, printable } from './terminal';
import { type Unlinked, UndoTargets } from './undoTargets';
import { undoJournalOf } from './unlinkFile';
import { toRemoved } from './unlinkUser';
import { BATCH, readUsers, type UserRead } from './users';

export interface UndoCommand {
  /** The path of the journal of a run. */
  journal: string;
  yes: boolean;
}

/** Links again what a run removed, and lists what cannot be linked again. It has a journal of its own. */
export async function undo(command: UndoCommand, supergraph: Supergraph, stop: AbortController): Promise<ExitCode> {
  const { journal: path, yes } = command;
  const lock = new Lock(path);
  let end: StopError | null;
  let users = 0;
  const done = new DigestMap();
  try {
    const targets = await UndoTargets.open(path);
    users = targets.count;
    const journal = await Journal.open(undoJournalOf(path), ({ userId, state }) => {
      if (state === 'linked' && userId !== null) done.set(userId, 1);
    });
    try {
      const left = users - done.size;
      if (left > 0 && !yes) await confirm(`Link ${left} users again?`, stop.signal);
      end = await new Undo(supergraph, stop, journal, done).run(targets);
    } catch (error) {
      if (!(error instanceof StopError)) throw error;
      end = error;
    } finally {
      await journal.close();
    }
  } finally {
    lock.release();
  }
  const left = users - done.size;
  print(JSON.stringify({ users, linked: done.size, left }));
  if (end !== null) throw end;
  return left === 0 ? EXIT.done : EXIT.left;
}

/** The result of linking one identity. `problem` is null if it is linked. */
interface Linked {
  state: State;
  problem: string | null;
  operationId?: string | undefined;
}

class Undo {
  readonly #supergraph: Supergraph;
  readonly #stop: AbortController;
  readonly #journal: Journal;
  readonly #done: DigestMap;
  readonly #pool: Pool;

  constructor(supergraph: Supergraph, stop: AbortController, journal: Journal, done: DigestMap) {
    this.#supergraph = supergraph;
    this.#stop = stop;
    this.#journal = journal;
    this.#done = done;
    this.#pool = new Pool(supergraph.concurrency, stop);
  }

  /** @returns Why the run was stopped. Null: it was not. */
  async run(targets: UndoTargets): Promise<StopError | null> {
    const progress = new Progress(() => ({ done: this.#done.size, all: targets.count, note: '' }));
    let batch: Unlinked[] = [];
    try {
      await targets.forEach(async (unlinked) => {
        if (this.#stop.signal.aborted || this.#done.get(unlinked.userId) !== 0) return;
        if (batch.push(unlinked) < BATCH) return;
        await this.#linkAll(batch);
        batch = [];
      });
      if (batch.length > 0 && !this.#stop.signal.aborted) await this.#linkAll(batch);
    } catch (error) {
      this.#stop.abort(error);
    }
    return this.#pool.drain().finally(() => progress.stop());
  }

  async #linkAll(batch: readonly Unlinked[]): Promise<void> {
    const ids = batch.map(({ userId }) => userId);
    const reads = await readUsers(this.#supergraph, ids);
    for (const [index, unlinked] of batch.entries()) {
      await this.#pool.start(() => this.#linkUser(unlinked, reads[index] ?? null));
    }
  }

  async #linkUser({ userId, extIdpId, removed }: Unlinked, read: UserRead): Promise<void> {
    if (removed === undefined) return this.#complain(userId, 'the journal does not say what was removed');
    if (read === null) return this.#complain(userId, 'there is no such user');
    if (typeof read === 'string') return this.#complain(userId, `the user cannot be read (${read})`);
    const linked: RemovedIdentity[] = [];
    let state: State = 'linked';
    for (const identity of without(removed, toRemoved(read.identities))) {
      const result = await this.#link(userId, identity);
      if (result.problem === null) {
        linked.push(identity);
      } else {
        state = result.state;
        const { type, userIdInIdp } = identity;
        this.#complain(userId, `${userIdInIdp ?? 'no account id'} (${type}): ${result.problem}`);
      }
    }
    await this.#journal.append({ userId, extIdpId, state, removed: linked });
    if (state === 'linked') this.#done.set(userId, 1);
  }

  async #link(userId: string, identity: RemovedIdentity): Promise<Linked> {
    const { extIdpId, type, userIdInIdp } = identity;
    if (userIdInIdp === null) return { state: 'failed', problem: 'GenAuth had no account id' };
    const judgement = await mutate(this.#supergraph, 'linkIdentity', {
      document: LinkIdentityDocument,
      variables: { userId, extIdpId, userIdInIdp, type },
      onSend: (xRequestId) =>
        this.#journal.append({ userId, extIdpId, state: 'sending', removed: [identity], xRequestId }),
    }).catch((error: unknown) => {
      if (!(error instanceof NotAllowedError)) throw error;
      this.#stop.abort(error);
      return error;
    });
    if (judgement instanceof NotAllowedError) return { state: 'failed', problem: String(judgement.cause) };
    return this.#judge(userId, identity, judgement);
  }

  async #judge(
    userId: string,
    identity: RemovedIdentity,
    judgement: Judgement<'linkIdentity'> | Unreachable,
  ): Promise<Linked> {
    switch (judgement.kind) {
      case 'done':
        return { state: 'linked', problem: null };
      case 'refused':
        return { state: 'refused', problem: `GenAuth refused (apiCode ${judgement.apiCode ?? 'unknown'})` };
      case 'notExecuted':
        return { state: 'failed', problem: judgement.code };
      case 'unknown': {
        const read = await settle(this.#supergraph, userId, (each) => isLinked(each, identity));
        return isLinked(read, identity)
          ? { state: 'linked', problem: null }
          : { state: 'unknown', problem: 'the outcome is not known' };
      }
    }
  }

  #complain(userId: string, problem: string): void {
    complain(printable(`Cannot be linked again: ${userId}, ${problem}`));
  }
}

function isLinked(read: UserRead, identity: RemovedIdentity): boolean {
  return read !== null && typeof read !== 'string' && without([identity], toRemoved(read.identities)).length === 0;
}
