import type { ServerResponse } from 'node:http';
import type { Connection } from './connections';
import { EvictingSet } from './evictingSet';

/** Maximum total of the responses that the process keeps for clients to read. */
const MAX_BYTES = 64 * 1024 * 1024;
/** How long a client may make no progress in reading before its connection is dropped. */
const STALLED_MS = 10_000;
/** The same while the process has no room for further requests. */
const STALLED_WHILE_FULL_MS = 1_000;
const CHECK_INTERVAL_MS = 1_000;

interface Unread {
  connection: Connection;
  /** Bytes of the connection that the kernel had accepted at `progressAt`. */
  accepted: number;
  progressAt: number;
}

/** The responses that the kernel has not accepted completely, because their clients read slowly or not at all. */
export class UnreadResponses {
  readonly #unread: EvictingSet<Unread>;
  readonly #timer: NodeJS.Timeout;
  readonly #drop: (connection: Connection) => void;

  /** @param drop Closes a connection whose client does not read, together with its responses. */
  constructor(drop: (connection: Connection) => void) {
    this.#drop = drop;
    this.#unread = new EvictingSet({ entries: Infinity, bytes: MAX_BYTES }, ({ connection }) => drop(connection));
    this.#timer = setInterval(() => this.#dropStalled(STALLED_MS), CHECK_INTERVAL_MS).unref();
  }

  get size(): number {
    return this.#unread.size;
  }

  /** Resolves when the kernel has accepted a response, or when its connection is closed. */
  async untilAccepted(connection: Connection, response: ServerResponse, bytes: number): Promise<void> {
    // With most responses, the kernel has accepted everything at once.
    if (response.writableEnded && response.writableLength === 0) return;
    const unread = { connection, accepted: acceptedBytes(connection), progressAt: performance.now() };
    this.#unread.add(unread, bytes);
    await connection.sent(response);
    this.#unread.delete(unread);
  }

  /** Drops the connections whose clients do not read, because requests are rejected for lack of room. */
  makeRoom(): void {
    this.#dropStalled(STALLED_WHILE_FULL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #dropStalled(ms: number): void {
    const now = performance.now();
    for (const unread of this.#unread) {
      const accepted = acceptedBytes(unread.connection);
      if (accepted !== unread.accepted) {
        unread.accepted = accepted;
        unread.progressAt = now;
      } else if (now - unread.progressAt >= ms && !unread.connection.socket.destroyed) {
        this.#drop(unread.connection);
      }
    }
  }
}

function acceptedBytes({ socket }: Connection): number {
  return socket.bytesWritten - socket.writableLength;
}
