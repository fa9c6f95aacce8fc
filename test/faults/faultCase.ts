import type { Seed, Switches } from '../../src/emulator';
import type { Fixture } from './fixtures';
import type { Matches, Respond } from './proxy';
import type { FaultStack } from './stack';

/**
 * One row of docs/faults.md: a fault, and the exact result of each operation that meets it. A result that is absent
 * says that the operation cannot meet the fault.
 */
export interface FaultCase {
  name: string;
  fault: Fault;
  /** A read of `User.identities` while the fault lasts. */
  read?: ReadResult;
  /** The same read if only the first request meets the fault, so that the retry succeeds. */
  readOnce?: ReadResult;
  /** An unlink that GenAuth executes, although its response may never arrive. */
  unlinkExecuted?: UnlinkResult;
  /** An unlink that GenAuth does not execute. */
  unlinkNotExecuted?: UnlinkResult;
}

/** How a fault is made. Every member is optional; together they describe one subgraph and what it meets. */
export interface Fault {
  /** Environment variables of the subgraph. */
  env?: Record<string, string>;
  seed?: Seed;
  switches?: Partial<Switches>;
  /** What the subgraph receives instead of GenAuth's response. */
  response?: Respond;
  /** The requests that receive `response`. Default: every GET of a read, and the POST of an unlink. */
  matches?: Matches;
  /** A server or file that the subgraph is configured with. */
  fixture?: () => Promise<Fixture>;
  /** What happens on the same stack before the operation. */
  before?: (stack: FaultStack) => Promise<unknown>;
  /** The users that are read. Default: one user. */
  users?: readonly string[];
  /** What is unlinked. Default: one of the user's two identities of a source. `type` null: both. */
  target?: Partial<Target>;
}

export interface ReadResult {
  /**
   * What the reader gets, in the order of the users: `identities`, a `null` entity, or the code of an error. Equal neighbours
   * are counted: `120 × identities`.
   */
  gets: readonly string[];
  /** Requests that reach GenAuth, without those for a management token. */
  calls: number;
  /** Attempts to connect that failed. Absent: none. */
  connects?: number;
}

export interface UnlinkResult {
  /** What the caller gets: `success: true`, `success: false`, or the code of an error. */
  gets: string;
  /** The error's `outcome`. Absent in a payload. */
  outcome?: 'NOT_EXECUTED' | 'UNKNOWN';
  /** Requests to unlink that reach GenAuth. */
  posts: number;
  /** Reads that reach GenAuth, before and after the unlink. */
  reads: number;
  /** Attempts to connect that failed. Absent: none. */
  connects?: number;
}

export interface Target {
  userId: string;
  extIdpId: string;
  type?: string | null;
}
