export interface Bounds {
  entries: number;
  /** The sum over all entries. */
  bytes: number;
}

/**
 * A set with bounds. Beyond a bound, the entry that was added first is evicted.
 *
 * Everything that waits for a client is kept in such a set: connections, request bodies and responses. Clients that respond
 * in time leave the sets within milliseconds, so that the first entries are those of slow or hostile clients.
 */
export class EvictingSet<Entry> {
  readonly #bytesOf = new Map<Entry, number>();
  readonly #bounds: Bounds;
  readonly #onEvict: (entry: Entry) => void;
  #bytes = 0;

  constructor(bounds: Bounds, onEvict: (entry: Entry) => void) {
    this.#bounds = bounds;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#bytesOf.size;
  }

  /** Iterates from the entry that was added first to the last. */
  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#bytesOf.keys();
  }

  /** Adds bytes to an entry, which keeps its place if it is in the set already. May evict that same entry. */
  add(entry: Entry, bytes: number): void {
    this.#bytesOf.set(entry, (this.#bytesOf.get(entry) ?? 0) + bytes);
    this.#bytes += bytes;
    while (this.size > 1 && (this.size > this.#bounds.entries || this.#bytes > this.#bounds.bytes)) this.evictFirst();
  }

  delete(entry: Entry): void {
    this.#bytes -= this.#bytesOf.get(entry) ?? 0;
    this.#bytesOf.delete(entry);
  }

  evictFirst(): void {
    for (const entry of this) {
      this.delete(entry);
      this.#onEvict(entry);
      return;
    }
  }
}
