/** How long a lease may be used, from when it was asked for and its time has come. What is left of it then is lost. */
export const LEASE_MS = 100;

/** The share of a second's calls that the common bucket holds at most, and that one lease can be. */
export const BURST_SECONDS = 0.05;

/** How long a replica that was not heard of is still taken to draw from the common bucket. */
export const PRESENT_MS = 1_500;

/** How long it is then taken to go on by itself, with a share that nobody else may use. */
export const REMEMBERED_MS = 15_000;

/** How far ahead a call is promised at most. */
export const MAX_AHEAD_MS = 1_000;

export interface Draw {
  /** Calls to lease; 0 only announces this replica. */
  wanted: number;
  /** Whether this replica lives by its leases. Where it does not, its share is kept out of the common bucket. */
  sharing: boolean;
  /** There are at least so many replicas, heard of or not. */
  knownReplicas: number;
}

export interface Lease {
  /** Calls that may go out, often fewer than wanted. */
  granted: number;
  /** Milliseconds until they may; where none were granted, until it is worth to ask again. */
  waitMs: number;
  /** Replicas that were heard of lately, or are known by whoever asks. */
  replicas: number;
}

/** The bucket that all replicas draw from. */
export interface Leases {
  /** @throws where the bucket cannot be reached. An answer may also never come, or too late. */
  readonly draw: (draw: Draw) => Promise<Lease>;
  /** Takes this replica's announcement back, if that is possible at once, and ends the connection. */
  readonly close: () => Promise<void>;
}
