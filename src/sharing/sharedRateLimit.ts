import { createTokenBucket, type RateLimit } from '../genauth';
import { BURST_SECONDS, type Lease, LEASE_MS, type Leases, REMEMBERED_MS } from './leases';
import { connectValkey } from './valkey';

export interface SharingOptions {
  /** Where Valkey or Redis is: `redis:`, `rediss:`, `valkey:` or `valkeys:`. Credentials in it are never passed on. */
  url: string;
  /** What the limit belongs to. Replicas that name the same share it. */
  pool: string;
  /** Calls per second, of all replicas together. */
  perSecond: number;
  /** Told whenever sharing begins or ends; also when it could not begin at the start. */
  onChange: (change: SharingChange) => void;
}

export interface SharingChange {
  shared: boolean;
  /** Replicas among which the calls are divided, this one included. 0: not known yet. */
  replicas: number;
  /** Why sharing ended: a code of the system or of Valkey, or `timeout`; null where it began. */
  reason: string | null;
}

/** Without Valkey, and before it was ever reached, nobody knows how many replicas there are: few have more than this. */
const ASSUMED_REPLICAS = 10;

/** How often a replica announces itself, and tries whether Valkey is back. */
const BEAT_MS = 500;

/** Valkey counts as lost when an answer has not come for so long, or when so many in a row came too late to be used. */
const PATIENCE_MS = 300;
const TOO_OFTEN_LATE = 3;

/** When to ask for a call that is being leased: a round trip to Valkey and some. */
const COME_BACK_MS = 2;

/**
 * Shares a rate of calls among replicas through Valkey, or Redis. Calls are leased a few at a time in the background and
 * handed out from there, so that nobody ever waits for a connection. While Valkey is lost, this replica goes on by itself with
 * an equal share.
 *
 * All replicas together start at most `perSecond` calls in a second and 15 % (at least one call) more: a tenth in leases
 * that were not used at once, and a twentieth in the bucket.
 *
 * @see docs/decisions/0011-sharing-the-rate.md
 */
export async function createSharedRateLimit(options: SharingOptions): Promise<SharedRateLimit> {
  const leases = await connectValkey({ ...options, onReady: () => limit.beat() });
  const close = async (): Promise<void> => {
    clearInterval(beats);
    await leases.close();
  };
  const limit = new SharedRateLimit({ draw: leases.draw, close }, options);
  const beats = setInterval(() => limit.beat(), BEAT_MS).unref();
  return limit;
}

export class SharedRateLimit implements RateLimit {
  readonly #leases: Leases;
  readonly #perSecond: number;
  readonly #onChange: SharingOptions['onChange'];
  readonly #now: () => number;
  #state: 'starting' | 'shared' | 'alone' | 'closed' = 'starting';
  #replicas = 0;
  #own: RateLimit;
  /** The lease: what was granted, what is left of it, and for what time. */
  #granted = 0;
  #left = 0;
  #validFrom = 0;
  #validUntil = 0;
  #wanted = 1;
  /** When the draw was sent that is under way; null: none is. */
  #askedAt: number | null = null;
  #late = 0;
  /** After a loss, replicas come back one by one: until then at least so many are there. */
  #knownReplicas = 0;
  #knownUntil = 0;

  /** @param now Default `performance.now`. Milliseconds that never go back. */
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

  /** Whether the limit is shared at this moment, and among how many replicas; 0 where that was never known. */
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
    return COME_BACK_MS;
  }

  /** Announces this replica, and finds out whether Valkey is there. To be called every half second. */
  beat(): void {
    this.#loseIfUnanswered();
    if (this.#askedAt === null && this.#state !== 'closed') void this.#draw(0);
  }

  /** Takes the announcement back, so that the others can use this replica's share at once. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#leases.close();
  }

  /** A lease that was used up in its time was too small; one that was not, too large: what is not used is lost for all. */
  #nextWanted(now: number): number {
    const most = Math.max(1, Math.floor(this.#perSecond * BURST_SECONDS));
    const used = this.#granted - this.#left;
    this.#wanted = this.#left === 0 && now < this.#validUntil ? Math.min(most, this.#wanted * 2) : Math.max(1, used);
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
      if (this.#late === 0) this.#answered(wanted, lease, askedAt);
      else if (this.#late >= TOO_OFTEN_LATE) this.#lose('timeout');
    } catch (error) {
      this.#askedAt = null;
      this.#lose(reasonOf(error));
    }
  }

  #answered(wanted: number, lease: Lease, askedAt: number): void {
    if (this.#state === 'closed') return;
    this.#replicas = lease.replicas;
    if (this.#state !== 'shared') {
      this.#state = 'shared';
      this.#left = 0;
      this.#validFrom = 0;
      this.#knownUntil = askedAt + REMEMBERED_MS;
      this.#onChange({ shared: true, replicas: lease.replicas, reason: null });
      this.beat();
    } else if (wanted > 0) {
      this.#granted = lease.granted;
      this.#left = lease.granted;
      this.#validFrom = this.#now() + lease.waitMs;
      this.#validUntil = askedAt + lease.waitMs + LEASE_MS;
    }
  }

  /** When the event loop has stood still, an answer may be waiting to be read: it gets its turn first. */
  #loseIfUnanswered(): void {
    const askedAt = this.#askedAt;
    if (this.#state === 'alone' || askedAt === null || this.#now() - askedAt < PATIENCE_MS) return;
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

/** Never the message, which can hold what the URL held. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  return /^[A-Z]{4,}(?= )/.exec(error.message)?.[0] ?? error.constructor.name;
}
