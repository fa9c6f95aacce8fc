import { BYTES_PER_WORD, type WordBytes } from './bytes';

/** A key in the form in which it is compared with the bytes of a text: in its quotes, with its colon, four bytes at a time. */
export class ExpectedKey {
  /** Number of bytes. */
  readonly length: number;
  readonly #words: readonly number[];
  /** The last four bytes. They overlap the word before them. */
  readonly #last: number;

  /** @param bytes The key in its quotes. At least three bytes. */
  constructor(bytes: Buffer) {
    const key = Buffer.concat([bytes, Buffer.from(':')]);
    this.length = key.length;
    const words = Math.floor(key.length / BYTES_PER_WORD);
    this.#words = Array.from({ length: words }, (_, word) => key.readInt32LE(word * BYTES_PER_WORD));
    this.#last = key.readInt32LE(key.length - BYTES_PER_WORD);
  }

  /** Whether a text contains this key at a position. */
  isAt({ words: text }: WordBytes, position: number): boolean {
    const words = this.#words;
    const last = position + this.length - BYTES_PER_WORD;
    // Most of the keys that differ have another end.
    if (last + BYTES_PER_WORD > text.byteLength || text.getInt32(last, true) !== this.#last) return false;
    for (let at = position, word = 0; at < last; at += BYTES_PER_WORD, word++) {
      if (text.getInt32(at, true) !== words[word]) return false;
    }
    return true;
  }
}
