import type { Caller } from '../callers';
import { type Deadline, DeadlineError } from '../deadline';
import { type IdentitySource, ManagementUnreachableError, type UserRecord } from '../genauth';
import { linkableSources } from './linkableSources';
import type { OfferedMethods } from './signIn';
import type { SignInMethods } from './signInMethods';
import type { UnlinkRules, UserUnlinks } from './unlinkRules';

/** The identity sources of the user pool, by id. */
export type Sources = ReadonlyMap<string, IdentitySource>;

/** The parts of the user pool that a selection needs. */
export interface PoolNeeds {
  /** Whether it needs the ways to sign in. */
  offered: boolean;
  sources: boolean;
}

/** The parts of the user pool that were read. Null: it could not be read, or is not needed. */
export interface PoolValues {
  offered: OfferedMethods | null;
  sources: Sources | null;
}

const NOTHING: PoolValues = { offered: null, sources: null };

export interface UserPoolOptions {
  signInMethods: SignInMethods;
  rules: UnlinkRules;
}

/** The identity sources and ways to sign in of the user pool, as one request sees them. Each is read once for the request. */
export class UserPool {
  readonly #options: UserPoolOptions;
  readonly #caller: Caller;
  readonly #deadline: Deadline;
  #offered: Promise<OfferedMethods | null> | undefined;
  #sources: Promise<Sources> | undefined;

  constructor(options: UserPoolOptions, { caller, deadline }: { caller: Caller; deadline: Deadline }) {
    this.#options = options;
    this.#caller = caller;
    this.#deadline = deadline;
  }

  /** Reads what is needed, which is nothing for most requests. Never fails. */
  read(needs: PoolNeeds): PoolValues | Promise<PoolValues> {
    return needs.offered || needs.sources ? this.#read(needs) : NOTHING;
  }

  async #read(needs: PoolNeeds): Promise<PoolValues> {
    const [offered, sources] = await Promise.all([
      needs.offered ? this.offered() : null,
      needs.sources ? this.sources() : null,
    ]);
    return { offered, sources };
  }

  /** Reads the ways to sign in. @returns null if they cannot be read. */
  offered(): Promise<OfferedMethods | null> {
    this.#offered ??= this.#options.signInMethods.offered(this.#deadline).catch(() => null);
    return this.#offered;
  }

  /** Reads the identity sources. @returns null if they cannot be read. */
  sources(): Promise<Sources | null> {
    return this.#readSources().catch(() => null);
  }

  /**
   * Reads the identity sources, in GenAuth's order.
   *
   * @throws {ManagementError} They cannot be read, and were not read within the last hour.
   */
  async listSources(): Promise<IdentitySource[]> {
    try {
      return [...(await this.#readSources()).values()];
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      throw new ManagementUnreachableError('GET /api/v3/list-ext-idp', 'deadline', 'maybe');
    }
  }

  #readSources(): Promise<Sources> {
    this.#sources ??= this.#options.signInMethods.sources(this.#deadline);
    return this.#sources;
  }

  /** @see UnlinkRules.unlinksOf */
  unlinksOf(user: UserRecord, { offered }: PoolValues): UserUnlinks {
    return this.#options.rules.unlinksOf(this.#caller, user, offered);
  }

  /**
   * Returns the identity sources that the applications enable and the user is not linked to.
   *
   * @returns null if no application is configured, or if it cannot be decided.
   */
  linkableSources(user: UserRecord, { offered, sources }: PoolValues): IdentitySource[] | null {
    const accounts = user.accounts();
    return accounts === null || offered === null || sources === null
      ? null
      : linkableSources(accounts, offered, sources);
  }
}
