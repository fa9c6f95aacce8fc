/** A list of events, oldest first. When it is full, the older half is dropped. */
export class Ledger<Entry> {
  #entries: Entry[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  push(entry: Entry): void {
    if (this.#entries.length >= this.#capacity) this.#entries = this.#entries.slice(this.#capacity >> 1);
    this.#entries.push(entry);
  }

  clear(): void {
    this.#entries = [];
  }
}
