/** Maximum number of names. Hostile profiles have a new name in every row. */
const MAX_NAMES = 1_000;

/** Keeps what was computed for a name, because the names of one provider recur in every profile. */
export class NameCache<Value> {
  readonly #known = new Map<string, Value>();
  readonly #compute: (name: string) => Value;

  constructor(compute: (name: string) => Value) {
    this.#compute = compute;
  }

  of(name: string): Value {
    let value = this.#known.get(name);
    if (value === undefined) {
      value = this.#compute(name);
      if (this.#known.size >= MAX_NAMES) this.#known.clear();
      this.#known.set(name, value);
    }
    return value;
  }
}
