import { type Deadline, TimeLimit } from '../deadline';
import type { IdentitySource, ManagementClient } from '../genauth';
import { Cached } from './cached';
import type { OfferedMethods } from './signIn';

export interface SignInMethodsOptions {
  management: Pick<ManagementClient, 'listSources' | 'getApplicationSignIn'>;
  /** The applications that users sign in to. Empty: the methods of all applications count. */
  appIds: readonly string[];
  /** Milliseconds for one call. A call serves many requests, so that no deadline of theirs applies to it. */
  callTimeoutMs: number;
}

/** Sources and applications change rarely. A deleted source counts as a way to sign in for as long as this. */
const FRESH_MS = 60_000;
/** How long the last list of sources is shown while GenAuth cannot be reached. */
const MAX_AGE_MS = 3_600_000;
const RETRY_AFTER_MS = 1_000;

/** The identity sources of the user pool and the sign-in methods of its applications, cached for all requests. */
export class SignInMethods {
  readonly #sources: Cached<ReadonlyMap<string, IdentitySource>>;
  readonly #applications: Cached<OfferedMethods['applications']>;
  readonly hasApplications: boolean;

  constructor({ management, appIds, callTimeoutMs }: SignInMethodsOptions) {
    const times = { freshMs: FRESH_MS, maxAgeMs: MAX_AGE_MS, retryAfterMs: RETRY_AFTER_MS };
    const withDeadline = async <Value>(read: (deadline: Deadline) => Promise<Value>): Promise<Value> => {
      const deadline = new TimeLimit(callTimeoutMs);
      try {
        return await read(deadline);
      } finally {
        deadline.end();
      }
    };
    this.hasApplications = appIds.length > 0;
    this.#sources = new Cached({
      ...times,
      read: () =>
        withDeadline(async (deadline) => {
          const sources = await management.listSources(deadline);
          return new Map(sources.map((source) => [source.id, source]));
        }),
    });
    this.#applications = new Cached({
      ...times,
      read: () =>
        withDeadline(async (deadline) => {
          if (appIds.length === 0) return null;
          const read = await Promise.all(appIds.map((appId) => management.getApplicationSignIn(appId, deadline)));
          return {
            enabled: new Set(read.flatMap(({ enabled }) => enabled)),
            bareIds: read.flatMap(({ bareIds }) => bareIds),
            loginMethods: new Set(read.flatMap(({ loginMethods }) => loginMethods)),
          };
        }),
    });
  }

  /**
   * Returns the identity sources that GenAuth lists, by id.
   *
   * @throws {DeadlineError | ManagementError} They cannot be read, and were not read within the last hour.
   */
  sources(deadline: Deadline): Promise<ReadonlyMap<string, IdentitySource>> {
    return this.#sources.get(deadline);
  }

  /**
   * Returns the ways to sign in that the user pool offers.
   *
   * @throws {DeadlineError | ManagementError} They cannot be read, and were not read within the last minute. A guard must not
   *   decide by an older list.
   */
  async offered(deadline: Deadline): Promise<OfferedMethods> {
    const [sources, applications] = await Promise.all([
      this.#sources.get(deadline, FRESH_MS),
      this.#applications.get(deadline, FRESH_MS),
    ]);
    return { sources, applications };
  }
}
