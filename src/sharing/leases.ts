/** How long a lease is valid. It counts from the request for the lease, plus its `waitMs`. Unused calls then expire. */
export const LEASE_MS = 100;

/** The capacity of the shared bucket, in seconds of the rate. A lease cannot be larger. */
export const BURST_SECONDS = 0.05;

/** How long after its last heartbeat a replica counts as one that draws from the shared bucket. */
export const PRESENT_MS = 1_500;

/** How long after its last heartbeat a replica's share stays reserved for it. */
export const REMEMBERED_MS = 15_000;

/** How far in the future the validity of a lease may start. */
export const MAX_AHEAD_MS = 1_000;

export interface Draw {
  /** Number of calls to lease. 0: only a heartbeat. */
  wanted: number;
  /** Whether this replica uses leases. If not, it uses a fixed share, which is kept out of the shared bucket. */
  sharing: boolean;
  /** A lower bound for the number of replicas, because some may not have reconnected yet. */
  knownReplicas: number;
}

export interface Lease {
  /** Number of calls that may be sent, often fewer than wanted. */
  granted: number;
  /** Milliseconds until they may be sent. If none were granted: milliseconds until the next draw is worth sending. */
  waitMs: number;
  /** Number of replicas with a recent heartbeat, at least `knownReplicas`. */
  replicas: number;
}

/** The bucket that all replicas draw from. */
export interface Leases {
  /** @throws The bucket cannot be reached. The promise may also never settle. */
  readonly draw: (draw: Draw) => Promise<Lease>;
  /** Removes this replica's heartbeat, if that is possible at once, and closes the connection. */
  readonly close: () => Promise<void>;
}
