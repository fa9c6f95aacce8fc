import * as fc from 'fast-check';
import { JsonWriter, WordBytes } from '../../src/json';
import { runs } from './runs';

const RUNS = runs(700);

/** Characters of every width, controls, and halves of pairs. */
const unit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom('"', '\\', '\n', '\0', '\x7f', 'é', '名', '😀', '\ud83d', '\ude00', '\u2028', '\ufeff'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);
/** Lengths around the one from which bytes are copied by a native call. */
const text = fc.oneof(
  fc.string({ unit, maxLength: 10 }),
  fc.string({ unit: fc.constantFrom('a', '名', '😀'), minLength: 40, maxLength: 60, size: 'max' }),
);
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }) as fc.Arbitrary<unknown>);
const ascii = fc.string({ unit: 'binary-ascii', maxLength: 120, size: 'max' });

/** One call of the writer, and the text that it should write. */
type Piece = { write: (out: JsonWriter) => void; text: string };

const piece: fc.Arbitrary<Piece> = fc.oneof(
  ascii.map((literal) => ({ write: (out: JsonWriter) => out.literal(literal), text: literal })),
  value.map((any) => ({ write: (out: JsonWriter) => out.value(any), text: JSON.stringify(any) })),
  fc.tuple(ascii, text, ascii).map(([before, inside, after]) => {
    const bytes = Buffer.from(`${before}${JSON.stringify(inside)}${after}`);
    const start = Buffer.byteLength(before);
    const end = bytes.length - Buffer.byteLength(after);
    return { write: (out: JsonWriter) => out.copy(new WordBytes(bytes), start, end), text: JSON.stringify(inside) };
  }),
);

function written(pieces: readonly Piece[]): Buffer {
  const out = new JsonWriter();
  for (const { write } of pieces) write(out);
  return Buffer.from(out.take());
}

const textOf = (pieces: readonly Piece[]): string => pieces.map((one) => one.text).join('');

describe('a writer of JSON', () => {
  test('writes the bytes that JSON.stringify would write', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        expect(written(pieces)).toEqual(Buffer.from(textOf(pieces)));
      }),
      RUNS,
    );
  });

  test('writes every unit of UTF-16 as JSON.stringify does, halves of pairs included', () => {
    const units = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
    const out = new JsonWriter();
    for (const one of units) out.value(one);
    expect(Buffer.from(out.take()).equals(Buffer.from(units.map((one) => JSON.stringify(one)).join('')))).toBe(true);
  });

  test('writes several megabytes, in small parts and in large ones', () => {
    const large = '😀名é"'.repeat(100_000);
    const bytes = Buffer.from(JSON.stringify(large));
    const parts: Piece[] = [
      { write: (out) => out.value(large), text: JSON.stringify(large) },
      { write: (out) => out.copy(new WordBytes(bytes), 0, bytes.length), text: JSON.stringify(large) },
      { write: (out) => out.literal('x'.repeat(3_000_000)), text: 'x'.repeat(3_000_000) },
    ];
    const small: Piece = { write: (out) => out.value({ name: '名', list: [1] }), text: '{"name":"名","list":[1]}' };
    const pieces = [...parts, ...Array.from({ length: 100_000 }, () => small), ...parts];
    const answer = written(pieces);
    expect(answer.length).toBeGreaterThan(10_000_000);
    expect(answer.equals(Buffer.from(textOf(pieces)))).toBe(true);
    // After a large response, the buffer has its usual size again.
    expect(written([small]).toString()).toBe(small.text);
  });

  test('writes texts of any length into a buffer of any size', () => {
    for (let length = 65_400; length < 65_600; length++) {
      const out = new JsonWriter();
      out.literal('x'.repeat(length));
      out.value('名');
      out.literal('y');
      expect(Buffer.from(out.take()).equals(Buffer.from(`${'x'.repeat(length)}"名"y`))).toBe(true);
    }
  });

  test('returns bytes that no later use of the buffer changes', () => {
    fc.assert(
      fc.property(fc.array(fc.array(piece, { maxLength: 4 }), { minLength: 2, maxLength: 5 }), (answers) => {
        const kept = answers.map(written);
        expect(kept).toEqual(answers.map((pieces) => Buffer.from(textOf(pieces))));
        // Changing returned bytes changes no other result, neither an earlier nor a later one.
        kept[0]?.fill(0);
        expect(kept.slice(1)).toEqual(answers.slice(1).map((pieces) => Buffer.from(textOf(pieces))));
        expect(written(answers[0] ?? [])).toEqual(Buffer.from(textOf(answers[0] ?? [])));
      }),
      runs(300),
    );
  });
});
