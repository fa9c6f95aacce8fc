import type { Deadline } from '../deadline';
import type { Turn } from './admission';

export interface ReadOptions {
  /** Ends the call, waiting included. */
  deadline: Deadline;
  /** Default: the call queues behind writes. `write`: a write needs the read, so that the call queues with the writes. */
  purpose?: 'write' | undefined;
}

export interface WriteOptions {
  /** Ends the call, waiting included. */
  deadline: Deadline;
  /** Sent as `Idempotency-Key`. @see docs/genauth-api.md#idempotency-key */
  idempotencyKey: string;
}

/** Maximum number of ids of one `get-user-batch`. */
export const MAX_BATCH = 50;

export interface BatchOptions extends ReadOptions {
  /**
   * Default: true. False: no read needs `userInfoInIdp`, so that large responses are released at once, and users that are
   * themselves too large can be read.
   */
  profiles?: boolean;
  /** Default: true. Whether a transient failure is retried once. */
  retry?: boolean;
  /** Default: the call waits for a turn. A turn from `awaitBatchTurn`, which its owner still has to release. */
  turn?: Turn;
}
