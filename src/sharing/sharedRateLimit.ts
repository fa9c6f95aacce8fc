import { createTokenBucket, type RateLimit } from '../genauth';
import { BURST_SECONDS, type Lease, LEASE_MS, type Leases, REMEMBERED_MS } from './leases';
import { connectValkey } from './valkey';

export interface SharingOptions {
  /** The URL of Valkey or Redis: `redis:`, `rediss:`, `valkey:` or `valkeys:`. Its credentials are never logged. */
  url: string;
  /** The name of the limit. Replicas with the same name share it. */
  pool: string;
  /** Calls per second of all replicas together. */
  perSecond: number;
  /** Called when sharing begins or ends, and when it could not begin at the start. */
  onChange: (change: SharingChange) => void;
}

export interface SharingChange {
  shared: boolean;
  /** Number of replicas that share the rate, including this one. 0: not known yet. */
  replicas: number;
  /** Why sharing ended: an error code of the system or of Valkey, or `timeout`. Null if it began. */
  reason: string | null;
}

/** The number of replicas that is assumed while Valkey has never been reached. Few deployments have more. */
const ASSUMED_REPLICAS = 10;

/** The interval of heartbeats. A heartbeat also finds out whether Valkey is available again. */
const HEARTBEAT_MS = 500;

/** Valkey counts as unavailable after this time without a response, or after so many consecutive late responses. */
const TIMEOUT_MS = 300;
const MAX_LATE = 3;

/** The wait while a lease is requested: slightly more than a round trip to Valkey. */
const LEASE_REQUEST_MS = 2;

/**
 * Creates a rate limit that replicas share through Valkey or Redis. Calls are leased a few at a time in the background, so
 * that no call waits for a connection. While Valkey is unavailable, this replica falls back to an equal, fixed share.
 *
 * All replicas together start at most 115 % of `perSecond` calls in any second (at least one call more): 10 % in leases that
 * are used late, and 5 % in the bucket.
 *
 * @see docs/decisions/0011-sharing-the-rate.md
 */
export async function createSharedRateLimit(options: SharingOptions): Promise<SharedRateLimit> {
  const leases = await connectValkey({ ...options, onReady: () => limit.sendHeartbeat() });
  const close = async (): Promise<void> => {
    clearInterval(heartbeats);
    await leases.close();
  };
  const limit = new SharedRateLimit({ draw: leases.draw, close }, options);
  const heartbeats = setInterval(() => limit.sendHeartbeat(), HEARTBEAT_MS).unref();
  return limit;
}

/** Spends leased calls while Valkey is available, and the calls of a fixed share otherwise. */
export class SharedRateLimit implements RateLimit {
  readonly #leases: Leases;
  readonly #perSecond: number;
  readonly #onChange: SharingOptions['onChange'];
  readonly #now: () => number;
  #state: 'starting' | 'shared' | 'alone' | 'closed' = 'starting';
  #replicas = 0;
  /** The fixed share, for times without Valkey. */
  #own: RateLimit;
  /** The current lease: the calls granted, the calls left, and when it is valid. */
  #granted = 0;
  #left = 0;
  #validFrom = 0;
  #validUntil = 0;
  #wanted = 1;
  /** When the current draw was sent. Null: there is none. */
  #askedAt: number | null = null;
  #late = 0;
  /** The replicas before Valkey became unavailable. They reconnect one by one and are counted from the first on. */
  #knownReplicas = 0;
  #knownUntil = 0;

  /** @param now Default: `performance.now`. A monotonic clock in milliseconds. */
  constructor(
    leases: Leases,
    { perSecond, onChange }: Pick<SharingOptions, 'perSecond' | 'onChange'>,
    now: () => number = () => performance.now(),
  ) {
    this.#leases = leases;
    this.#perSecond = perSecond;
    this.#onChange = onChange;
    this.#now = now;
    this.#own = this.#createShare(ASSUMED_REPLICAS);
  }

  /** Whether the limit is shared now, and by how many replicas. 0 replicas: never known. */
  get gauges(): { shared: boolean; replicas: number } {
    return { shared: this.#state === 'shared', replicas: this.#replicas };
  }

  take(): number {
    this.#loseIfUnanswered();
    if (this.#state !== 'shared') return this.#own.take();
    const now = this.#now();
    if (now < this.#validFrom) return Math.ceil(this.#validFrom - now);
    if (this.#left > 0 && now < this.#validUntil) {
      this.#left--;
      return 0;
    }
    if (this.#askedAt === null) void this.#draw(this.#nextWanted(now));
    return LEASE_REQUEST_MS;
  }

  /** Sends a heartbeat, and finds out whether Valkey is available. Call it every half second. */
  sendHeartbeat(): void {
    this.#loseIfUnanswered();
    if (this.#askedAt === null && this.#state !== 'closed') void this.#draw(0);
  }

  /** Removes this replica's heartbeat, so that the other replicas can use its share at once. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#leases.close();
  }

  /** A lease that was used up in time was too small. One with calls left was too large: unused calls are lost for all. */
  #nextWanted(now: number): number {
    const max = Math.max(1, Math.floor(this.#perSecond * BURST_SECONDS));
    const used = this.#granted - this.#left;
    this.#wanted = this.#left === 0 && now < this.#validUntil ? Math.min(max, this.#wanted * 2) : Math.max(1, used);
    return this.#wanted;
  }

  async #draw(wanted: number): Promise<void> {
    const askedAt = this.#now();
    const sharing = this.#state === 'shared';
    this.#askedAt = askedAt;
    try {
      const knownReplicas = askedAt < this.#knownUntil ? this.#knownReplicas : 0;
      const lease = await this.#leases.draw({ wanted, sharing, knownReplicas });
      this.#askedAt = null;
      this.#late = this.#now() < askedAt + LEASE_MS ? 0 : this.#late + 1;
      if (this.#late === 0) this.#use(wanted, lease, askedAt);
      else if (this.#late >= MAX_LATE) this.#lose('timeout');
    } catch (error) {
      this.#askedAt = null;
      this.#lose(reasonOf(error));
    }
  }

  #use(wanted: number, lease: Lease, askedAt: number): void {
    if (this.#state === 'closed') return;
    this.#replicas = lease.replicas;
    if (this.#state !== 'shared') {
      this.#state = 'shared';
      this.#left = 0;
      this.#validFrom = 0;
      this.#knownUntil = askedAt + REMEMBERED_MS;
      this.#onChange({ shared: true, replicas: lease.replicas, reason: null });
      this.sendHeartbeat();
    } else if (wanted > 0) {
      this.#granted = lease.granted;
      this.#left = lease.granted;
      this.#validFrom = this.#now() + lease.waitMs;
      this.#validUntil = askedAt + lease.waitMs + LEASE_MS;
    }
  }

  /** If the event loop was blocked, a response may be waiting to be read. `setImmediate` lets it be read first. */
  #loseIfUnanswered(): void {
    const askedAt = this.#askedAt;
    if (this.#state === 'alone' || askedAt === null || this.#now() - askedAt < TIMEOUT_MS) return;
    setImmediate(() => {
      if (this.#askedAt === askedAt) this.#lose('timeout');
    });
  }

  #lose(reason: string): void {
    if (this.#state === 'alone' || this.#state === 'closed') return;
    if (this.#state === 'shared') {
      this.#own = this.#createShare(this.#replicas);
      this.#knownReplicas = this.#replicas;
      this.#knownUntil = Infinity;
    }
    this.#state = 'alone';
    this.#onChange({ shared: false, replicas: this.#replicas, reason });
  }

  #createShare(replicas: number): RateLimit {
    return createTokenBucket(Math.max(1, this.#perSecond / replicas), this.#now);
  }
}

/** Returns a code. The message is not used, because it may contain the URL and its credentials. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  return /^[A-Z]{3,}(?= )/.exec(error.message)?.[0] ?? error.constructor.name;
}
