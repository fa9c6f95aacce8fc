import { setTimeout as pause } from 'node:timers/promises';

export interface GeneratorOptions {
  /** Concurrent requests. Each connection sends its next request when the previous one has ended. */
  connections: number;
  /** Requests per second, sent when they are due, whatever happens to earlier ones. Null: as fast as responses come. */
  rate: number | null;
  isOver: () => boolean;
  /**
   * Sends a request, and resolves when it has ended.
   *
   * @param number Counts from 0 over all connections.
   * @param dueAt On the clock of `performance.now()`. A latency counts from here, so that a late start is part of it.
   */
  send: (number: number, dueAt: number) => Promise<void>;
}

/** How long a connection that waits for its turn may overlook that the run is over. */
const MAX_PAUSE_MS = 500;

/**
 * Generates load until the run is over.
 *
 * @throws What `send` throws. The other connections are not waited for.
 */
export async function generateLoad({ connections, rate, isOver, send }: GeneratorOptions): Promise<void> {
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      do {
        const number = next++;
        const dueAt = rate === null ? performance.now() : startedAt + (number / rate) * 1_000;
        for (let left = dueAt - performance.now(); left > 0; left = dueAt - performance.now()) {
          await pause(Math.min(left, MAX_PAUSE_MS));
          if (isOver()) return;
        }
        await send(number, dueAt);
      } while (!isOver());
    }),
  );
}
