import { ExpectedKey } from './expectedKey';
import type { JsonReader } from './reader';

/** Returned by `next` at the end of an object. */
export const END_OF_OBJECT = -1;

/** The meaning of a key that its caller does not read. Lower meanings fit into the bits of one number. */
export const OTHER_KEY = 31;

/** Lengths of the keys that are known, quotes included. */
const MIN_KEY_BYTES = 3;
const MAX_KEY_BYTES = 64;

/** Keys after this number of others in one object are not kept. Objects of the management API have fewer. */
const MAX_INDEX = 64;

/** Maximum number of known keys. Hostile objects have new keys all the time. */
const MAX_KNOWN = 1_000;

/** A key that was read before. */
interface KnownKey {
  key: ExpectedKey;
  meaning: number;
  /** The key that followed it in the last object that had it. */
  next: KnownKey | undefined;
}

/**
 * Reads the keys of objects of one kind, one object after the other. A key is mostly followed by the same key as in the object
 * before, and comparing it with that one costs half as much as reading it.
 */
export class KeySequence {
  /** By a hash of the key's length, first three and last two characters. Of two with the same hash, the last one is kept. */
  readonly #known = new Map<number, KnownKey>();
  readonly #meaningOf: (json: JsonReader) => number;
  /** The first key of the last object. */
  #first: KnownKey | undefined;
  /** The last known key of the object that is being read. */
  #previous: KnownKey | undefined;

  /** @param meaningOf Returns what the key means that was read last: `OTHER_KEY`, or a lower number. */
  constructor(meaningOf: (json: JsonReader) => number) {
    this.#meaningOf = meaningOf;
  }

  /**
   * Reads the next key of an object.
   *
   * @param index The number of keys of this object that have been read.
   * @returns Its meaning, or `END_OF_OBJECT`, when the object has been left.
   */
  next(json: JsonReader, index: number): number {
    const previous = index === 0 ? undefined : this.#previous;
    const expected = previous === undefined ? this.#first : previous.next;
    if (expected !== undefined && json.takeKey(expected.key)) {
      this.#previous = expected;
      return expected.meaning;
    }
    if (!json.nextKey()) return END_OF_OBJECT;
    const known = index < MAX_INDEX ? this.#know(json) : null;
    if (known === null) return this.#meaningOf(json);
    if (previous === undefined) this.#first = known;
    else previous.next = known;
    this.#previous = known;
    return known.meaning;
  }

  /** Looks up the last key, and adds it if it is new. @returns null for a key that `takeKey` could not take. */
  #know(json: JsonReader): KnownKey | null {
    const { bytes, words, start, end } = json;
    const length = end - start;
    if (length < MIN_KEY_BYTES || length > MAX_KEY_BYTES || bytes[end] !== COLON) return null;
    const ends = words.getInt32(start, true) ^ (words.getInt32(end - MIN_KEY_BYTES, true) << 1);
    const hash = (ends + length) | 0;
    let known = this.#known.get(hash);
    if (known === undefined || known.key.length !== length + 1 || !known.key.isAt(json, start)) {
      known = { key: new ExpectedKey(bytes.subarray(start, end)), meaning: this.#meaningOf(json), next: undefined };
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(hash, known);
    }
    return known;
  }
}

const COLON = 0x3a;
