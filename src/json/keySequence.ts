import { ExpectedKey } from './expectedKey';
import type { JsonReader } from './reader';

/** Returned by `next` at the end of an object. */
export const END_OF_OBJECT = -1;

/** The meaning of a key that its caller does not read. Lower meanings fit into the bits of one number. */
export const OTHER_KEY = 31;

/** Maximum number of keys that are remembered. Objects of the management API have fewer. */
const MAX_KEYS = 64;

/** Lengths of the keys that are remembered, quotes included. */
const MIN_KEY_BYTES = 3;
const MAX_KEY_BYTES = 64;

/**
 * Reads the keys of objects of one kind. Most of these objects have the same keys in the same order, and comparing a key with
 * that of the object before costs half as much as reading it.
 */
export class KeySequence {
  readonly #keys: { key: ExpectedKey; meaning: number }[] = [];
  readonly #meaningOf: (json: JsonReader) => number;

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
    const expected = this.#keys[index];
    if (expected !== undefined && json.takeKey(expected.key)) return expected.meaning;
    if (!json.nextKey()) return END_OF_OBJECT;
    const meaning = this.#meaningOf(json);
    const length = json.end - json.start;
    if (index < MAX_KEYS && length <= MAX_KEY_BYTES && length >= MIN_KEY_BYTES) {
      this.#keys[index] = { key: new ExpectedKey(json.bytes.subarray(json.start, json.end)), meaning };
    }
    return meaning;
  }
}
