import { KeySequence, OTHER_KEY } from '../json';

/** Returns the keys of objects with these members. @param names At most 31. The meaning of a key is the position of its name. */
export function keysOf(names: readonly string[]): KeySequence {
  const longest = Math.max(...names.map(({ length }) => length));
  // By the length of the key in JSON, quotes included.
  const membersOfLength = Array.from({ length: longest + 3 }, (_, length) =>
    [...names.keys()].filter((member) => names[member]?.length === length - 2),
  );
  return new KeySequence((json) => {
    // An escaped key can have any length.
    const candidates = json.isPlain ? (membersOfLength[json.end - json.start] ?? []) : names.keys();
    for (const member of candidates) if (json.isKey(names[member] as string)) return member;
    return OTHER_KEY;
  });
}

/**
 * Positions of the members of objects in the bytes of one response.
 *
 * A typed array, because its contents are outside of V8's heap: the garbage collector would copy ordinary arrays and promote
 * them to the old generation.
 */
export class MemberTable {
  /** Two numbers for each member: its first byte, and the byte after it. */
  readonly #width: number;
  #numbers: Int32Array;
  #count = 0;

  /**
   * @param members Number of members of an object.
   * @param expected Estimated number of objects; there may be more.
   */
  constructor(members: number, expected: number) {
    this.#width = 2 * members;
    this.#numbers = new Int32Array(expected * this.#width);
  }

  /** Number of objects. */
  get count(): number {
    return this.#count;
  }

  /** Adds an object without members. @returns Its row. */
  addRow(): number {
    const needed = (this.#count + 1) * this.#width;
    if (needed > this.#numbers.length) {
      const larger = new Int32Array(2 * needed);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    return this.#count++;
  }

  /**
   * Sets the position of a member.
   *
   * @param end The byte after the member. 0 for a missing one. Negative where it is not written as `JSON.stringify` would
   *   write it.
   */
  set(row: number, member: number, start: number, end: number): void {
    const offset = row * this.#width + 2 * member;
    this.#numbers[offset] = start;
    this.#numbers[offset + 1] = end;
  }

  /** First byte of a member. */
  startOf(row: number, member: number): number {
    return this.#numbers[row * this.#width + 2 * member] as number;
  }

  /** The byte after a member; 0 for a missing one; negative where it is not written as `JSON.stringify` would write it. */
  endOf(row: number, member: number): number {
    return this.#numbers[row * this.#width + 2 * member + 1] as number;
  }

  /** Returns a copy of some rows. */
  pick(rows: readonly number[]): MemberTable {
    const picked = new MemberTable(this.#width / 2, rows.length);
    for (const row of rows) {
      const start = row * this.#width;
      picked.#numbers.set(this.#numbers.subarray(start, start + this.#width), picked.addRow() * this.#width);
    }
    return picked;
  }

  /** Reads the value of a member, as `JSON.parse` does. @returns null for a missing member. */
  valueOf(bytes: Buffer, row: number, member: number): unknown {
    const start = this.startOf(row, member);
    const end = this.endOf(row, member);
    if (end === 0) return null;
    if (end > 0 && bytes[start] === QUOTE) return bytes.toString('utf8', start + 1, end - 1);
    return JSON.parse(bytes.toString('utf8', start, Math.abs(end)));
  }
}

const QUOTE = 0x22;
