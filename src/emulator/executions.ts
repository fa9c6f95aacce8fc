import { Ledger } from './ledger';

/** A write that the API executed, even if its response was lost. */
interface Executed {
  /** Epoch milliseconds. */
  at: number;
  /** The `Idempotency-Key` header, if the request had one. */
  idempotencyKey?: string;
}

/** An unlink that the API executed. */
export interface Execution extends Executed {
  userId: string;
  extIdpId: string;
  /** null: the request had no type. */
  type: string | null;
  /** The number of rows that were removed. 0: there was nothing to remove. */
  removed: number;
}

/** A link that the API executed. */
export interface LinkExecution extends Executed {
  userId: string;
  extIdpId: string;
  type: string;
  userIdInIdp: string;
  /** Whether there was no such identity of this user before. */
  added: boolean;
}

/** A kick-users call that the API executed. */
export interface KickExecution extends Executed {
  userId: string;
  appIds: readonly string[];
  /** The number of sessions that were ended. */
  ended: number;
}

/** The writes that the API executed, at most the last 100 000 of each kind. Direct changes of the store do not count. */
export class Executions {
  readonly #unlinks = new Ledger<Execution>(100_000);
  readonly #links = new Ledger<LinkExecution>(100_000);
  readonly #kicks = new Ledger<KickExecution>(100_000);

  get unlinks(): readonly Execution[] {
    return this.#unlinks.entries;
  }

  get links(): readonly LinkExecution[] {
    return this.#links.entries;
  }

  get kicks(): readonly KickExecution[] {
    return this.#kicks.entries;
  }

  recordUnlink(unlink: Omit<Execution, 'at'>): void {
    this.#unlinks.push({ ...unlink, at: Date.now() });
  }

  recordLink(link: Omit<LinkExecution, 'at'>): void {
    this.#links.push({ ...link, at: Date.now() });
  }

  recordKick(kick: Omit<KickExecution, 'at'>): void {
    this.#kicks.push({ ...kick, at: Date.now() });
  }

  clear(): void {
    this.#unlinks.clear();
    this.#links.clear();
    this.#kicks.clear();
  }
}

/** Returns the member of an execution for a request with this key. Null: no such member. */
export function withKey(idempotencyKey: string | null): { idempotencyKey?: string } {
  return idempotencyKey === null ? {} : { idempotencyKey };
}
