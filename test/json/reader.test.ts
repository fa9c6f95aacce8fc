import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { JsonError, JsonReader } from '../../src/json';
import { ExpectedKey } from '../../src/json/expectedKey';
import { runs } from './runs';

const RUNS = runs(700);
const MUTATIONS = runs(2_000);

/** Reads any value by entering every container, as all readers of this project do. */
function readAll(json: JsonReader): unknown {
  switch (json.kind()) {
    case 'object': {
      // A parsed key is an own property, even if its name is __proto__.
      const entries: [string, unknown][] = [];
      json.enter();
      while (json.nextKey()) {
        const key = JSON.parse(json.bytes.toString('utf8', json.start, json.end)) as string;
        entries.push([key, readAll(json)]);
      }
      return Object.fromEntries(entries);
    }
    case 'array': {
      const items: unknown[] = [];
      json.enter();
      while (json.nextItem()) items.push(readAll(json));
      return items;
    }
    default:
      return json.value();
  }
}

/** A key of one byte in its quotes. */
const MIN_KEY_BYTES = 3;

/** The keys of all texts that have been read, in the form that `takeKey` expects. */
const expected = new Map<string, ExpectedKey>();
let taken = 0;

/** Reads any value as `readAll` does, with `takeKey` for each key that it has seen before. */
function readAllExpecting(json: JsonReader): unknown {
  if (json.kind() === 'array') {
    const items: unknown[] = [];
    json.enter();
    while (json.nextItem()) items.push(readAllExpecting(json));
    return items;
  }
  if (json.kind() !== 'object') return json.value();
  const entries: [string, unknown][] = [];
  json.enter();
  for (;;) {
    const found = [...expected].find(([, key]) => json.takeKey(key));
    if (found !== undefined) {
      taken++;
      const [text] = found;
      expect(json.bytes.toString('utf8', json.start, json.end)).toBe(text);
      entries.push([JSON.parse(text) as string, readAllExpecting(json)]);
      continue;
    }
    if (!json.nextKey()) return Object.fromEntries(entries);
    const text = json.bytes.toString('utf8', json.start, json.end);
    const bytes = json.bytes.subarray(json.start, json.end);
    if (bytes.length >= MIN_KEY_BYTES && expected.size < 200) expected.set(text, new ExpectedKey(bytes));
    entries.push([JSON.parse(text) as string, readAllExpecting(json)]);
  }
}

/** Enters the outermost container only, and skips what is inside it. */
function skipMembers(json: JsonReader): void {
  const kind = json.kind();
  if (kind === 'object') {
    json.enter();
    while (json.nextKey()) json.skip();
  } else if (kind === 'array') {
    json.enter();
    while (json.nextItem()) json.skip();
  } else json.skip();
}

/** Enters every container without recursion, for texts that are deeper than the stack. */
function walk(json: JsonReader): void {
  const containers: ('object' | 'array')[] = [];
  for (;;) {
    const kind = json.kind();
    if (kind === 'object' || kind === 'array') {
      json.enter();
      containers.push(kind);
    } else json.skip();
    for (;;) {
      const container = containers.at(-1);
      if (container === undefined) return;
      if (container === 'object' ? json.nextKey() : json.nextItem()) break;
      containers.pop();
    }
  }
}

/** Decodes as `fetch` does: bytes that are not UTF-8 become U+FFFD, and a byte order mark at the start is ignored. */
const decoder = new TextDecoder();

type Outcome = { value: unknown } | 'not JSON';

function outcomeOf(read: () => unknown): Outcome {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof JsonError || error instanceof SyntaxError) return 'not JSON';
    throw error;
  }
}

function expectAsParsed(body: Buffer): Outcome {
  const parsed = outcomeOf(() => JSON.parse(decoder.decode(body)));
  const judgement = parsed === 'not JSON' ? parsed : { value: undefined };
  expect(outcomeOf(() => JsonReader.read(body, (json) => json.skip()))).toEqual(judgement);
  expect(outcomeOf(() => JsonReader.read(body, skipMembers))).toEqual(judgement);
  expect(outcomeOf(() => JsonReader.read(body, walk))).toEqual(judgement);
  expect(outcomeOf(() => JsonReader.read(body, (json) => void json.strings()))).toEqual(judgement);
  expect(shown(outcomeOf(() => JsonReader.read(body, (json) => json.value())))).toBe(shown(parsed));
  expect(shown(outcomeOf(() => JsonReader.read(body, readAll)))).toBe(shown(parsed));
  expect(shown(outcomeOf(() => JsonReader.read(body, readAllExpecting)))).toBe(shown(parsed));
  return parsed;
}

/** Describes a value completely, with the order of keys, -0 and keys named __proto__. */
function shown(value: unknown): string {
  return inspect(value, { depth: Infinity, maxArrayLength: null, maxStringLength: null });
}

const space = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), minLength: 1, maxLength: 3 }) },
);

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** One UTF-16 unit in a JSON string; units that must be escaped always are. */
const unitText = (unit: string, style: number): string => {
  const hex = `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  if (style === 0) return hex.toLowerCase();
  if (style === 1) return `\\u${hex.slice(2).toUpperCase()}`;
  if (style === 2) return SHORT[unit] ?? JSON.stringify(unit).slice(1, -1);
  return JSON.stringify(unit).slice(1, -1);
};

const KEYS = ['data', 'statusCode', 'identityId', '__proto__', 'constructor', '', 'a', '名', '\u2028', '"', '\\u0061'];
const content = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 6 }),
  fc.constantFrom(...KEYS),
);

/** A JSON string in one of its many spellings. */
const stringText = fc
  .tuple(content, fc.boolean(), fc.array(fc.nat(9), { minLength: 8, maxLength: 8 }))
  .map(([text, isPlain, styles]) => {
    if (isPlain) return JSON.stringify(text);
    // By code points, so that surrogate pairs that are not escaped stay together.
    const written = [...text].map((character, index) => {
      const style = styles[index % styles.length] ?? 9;
      if (style > 2 || character.length > 1) {
        return style > 1
          ? JSON.stringify(character).slice(1, -1)
          : character
              .split('')
              .map((x) => unitText(x, style))
              .join('');
      }
      return unitText(character, style);
    });
    return `"${written.join('')}"`;
  });

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 25 });
const numberText = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.oneof(
        fc.constant('0'),
        digits.map((text) => `1${text}`),
      ),
      fc.oneof(
        fc.constant(''),
        digits.map((text) => `.${text}`),
      ),
      fc.oneof(
        fc.constant(''),
        fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E-'), fc.nat(999)).map((parts) => parts.join('')),
      ),
    )
    .map((parts) => parts.join('')),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  fc.constantFrom('-0', '0', '1e400', '-1e-400', '9007199254740993'),
);

/** Any JSON text, with repeated keys, and spaces in all places. */
const { text: jsonText } = fc.letrec<{ text: string; bare: string }>((tie) => ({
  text: fc.tuple(space, tie('bare'), space).map((parts) => parts.join('')),
  bare: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('null', 'true', 'false'),
    numberText,
    stringText,
    fc.array(tie('text'), { maxLength: 4 }).chain((items) => inside('[', items.join(','), ']', items.length)),
    fc
      .array(
        fc
          .tuple(space, stringText, space, tie('text'))
          .map(([before, key, after, value]) => `${before}${key}${after}:${value}`),
        { maxLength: 4 },
      )
      .chain((members) => inside('{', members.join(','), '}', members.length)),
  ),
}));

function inside(open: string, items: string, close: string, count: number): fc.Arbitrary<string> {
  return count === 0 ? space.map((text) => `${open}${text}${close}`) : fc.constant(`${open}${items}${close}`);
}

describe('a reader of JSON', () => {
  test('reads what JSON.parse reads, in any spelling', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(expectAsParsed(Buffer.from(text))).not.toBe('not JSON');
      }),
      RUNS,
    );
    // Otherwise takeKey would hardly have been tested.
    expect(taken).toBeGreaterThan(RUNS.numRuns / 20);
  });

  // It reads four bytes at a time.
  test.each(['"', '\\', '\\"', '\\\\', '\n', '\u001f', '\0', ' ', '\u007f', 'é', '中', '😀', '\u0080'])(
    'finds the end of a string with %j at any position',
    (special) => {
      for (let length = 0; length <= 12; length++) {
        for (let position = 0; position <= length; position++) {
          const text = 'a'.repeat(position) + special + 'b'.repeat(length - position);
          for (const json of [`"${text}"`, `["${text}"]`, `{"${text}":"${text}"}`, `"${text}`]) {
            expectAsParsed(Buffer.from(json));
          }
        }
      }
    },
  );

  const snippet = fc.oneof(
    fc
      .constantFrom(
        ...[
          '"',
          '\\',
          ',',
          ':',
          '{',
          '}',
          '[',
          ']',
          ' ',
          '\n',
          '\u00a0',
          '\ufeff',
          '\u2028',
          '\0',
          '\x1f',
          '\x7f',
          '\v',
        ],
        ...[
          '0',
          '1',
          '-',
          '+',
          '.',
          'e',
          'E',
          '01',
          '-01',
          '1.',
          '.5',
          '1e',
          '0x1',
          '1_0',
          'NaN',
          'Infinity',
          '-Infinity',
        ],
        ...['null', 'nul', 'nullx', 'true', 'True', 'false', 'undefined', "'a'", 'a:', '//', '/**/', '#'],
        ...[
          '\\u',
          '\\u12',
          '\\u12G4',
          '\\u+123',
          '\\uD800',
          '\\x41',
          "\\'",
          '\\"',
          '\\\n',
          ',]',
          ',}',
          '[,',
          '{,',
          ',,',
          '::',
        ],
      )
      .map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    // Not UTF-8: a lone surrogate, an overlong slash, beyond Unicode, a sequence that is cut, a lone continuation.
    fc.constantFrom('eda080', 'c0af', 'f4908080', 'e282', '80', 'ff', 'efbbbf').map((hex) => Buffer.from(hex, 'hex')),
  );
  const mutation = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant('end' as const), at: fc.nat() }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), bytes: snippet }),
    fc.record({ kind: fc.constant('replace' as const), at: fc.nat(), bytes: snippet }),
    fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 12 }) }),
  );

  function mutate(body: Buffer, change: typeof mutation extends fc.Arbitrary<infer Change> ? Change : never): Buffer {
    const at = change.at % (body.length + 1);
    const before = body.subarray(0, at);
    switch (change.kind) {
      case 'flip': {
        const flipped = Buffer.from(body);
        if (at < body.length) flipped[at] = (body[at] ?? 0) ^ (1 << change.bit);
        return flipped;
      }
      case 'cut':
        return Buffer.concat([before, body.subarray(at + change.length)]);
      case 'end':
        return before;
      case 'insert':
        return Buffer.concat([before, change.bytes, body.subarray(at)]);
      case 'replace':
        return Buffer.concat([before, change.bytes, body.subarray(at + change.bytes.length)]);
      case 'repeat':
        return Buffer.concat([body.subarray(0, at + change.length), body.subarray(at)]);
    }
  }

  test('refuses exactly what JSON.parse refuses, after any change to a text', () => {
    const count = { refused: 0, accepted: 0 };
    fc.assert(
      fc.property(jsonText, fc.array(mutation, { minLength: 1, maxLength: 3 }), (text, changes) => {
        const body = changes.reduce(mutate, Buffer.from(text));
        count[expectAsParsed(body) === 'not JSON' ? 'refused' : 'accepted']++;
      }),
      MUTATIONS,
    );
    // Otherwise one of the two kinds would hardly have been tested.
    expect(count.refused).toBeGreaterThan(MUTATIONS.numRuns / 4);
    expect(count.accepted).toBeGreaterThan(MUTATIONS.numRuns / 12);
  });

  test('refuses exactly what JSON.parse refuses among all short texts of its alphabet', () => {
    const alphabet = [...'{}[]",:\\ 01-.eutrl\x01'];
    for (const a of ['', ...alphabet]) {
      for (const b of ['', ...alphabet]) for (const c of ['', ...alphabet]) expectAsParsed(Buffer.from(a + b + c));
    }
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['spaces alone', ' \t\r\n'],
    ['a space that is none', '\u00a0null'],
    ['a byte order mark', '\ufeff{}'],
    ['a byte order mark alone', '\ufeff'],
    ['a byte order mark after a space', ' \ufeff{}'],
    ['two byte order marks', '\ufeff\ufeff{}'],
    ['a byte order mark at the end', '{}\ufeff'],
    ['a comma after the last item', '[1,]'],
    ['a comma after the last member', '{"a":1,}'],
    ['a comma before the first item', '[,1]'],
    ['a comma before the first member', '{,"a":1}'],
    ['a comma alone', '[,]'],
    ['two commas', '[1,,2]'],
    ['no comma', '[1 2]'],
    ['no comma between members', '{"a":1 "b":2}'],
    ['a key without quotes', '{a:1}'],
    ['a key in single quotes', "{'a':1}"],
    ['a key that is a number', '{1:1}'],
    ['a key without a value', '{"a"}'],
    ['a key and a colon', '{"a":}'],
    ['two colons', '{"a"::1}'],
    ['the wrong bracket', '[1}'],
    ['the wrong brace', '{"a":1]'],
    ['one bracket too many', '[]]'],
    ['two values', '1 2'],
    ['a control character in a string', '"\u0001"'],
    ['a line break in a string', '"\n"'],
    ['a control character in a key', '{"\u001f":1}'],
    ['DEL in a string', '"\u007f"'],
    ['line separators in a string', '"\u2028\u2029"'],
    ['an escape that does not exist', '"\\a"'],
    ['an escaped key', '{"\\u0061":1,"a":2}'],
    ['a key with an escape that does not exist', '{"\\x61":1}'],
    ['lone surrogates, escaped', '["\\ud800","\\udc00","\\ud800\\u0061"]'],
    ['a pair of surrogates, escaped', '"\\ud83d\\ude00"'],
    ['an escape that is cut by the end of the string', '"\\u12"'],
    ['an escape that is cut by the end of the text', '"\\'],
    ['a string without its end', '"abc'],
    ['a number beyond all bounds', '1e999999999'],
    ['a number of 100 000 digits', '9'.repeat(100_000)],
    ['a fraction of 100 000 digits', `0.${'3'.repeat(100_000)}`],
    ['a leading zero', '01'],
    ['a leading zero after a minus', '-01'],
    ['a minus alone', '-'],
    ['a plus', '+1'],
    ['a fraction without digits', '1.'],
    ['a fraction without a whole', '.1'],
    ['an exponent without digits', '1e+'],
    ['a negative zero', '-0.0e-0'],
    ['NaN', 'NaN'],
    ['half a word', 'tru'],
    ['a word too long', 'nulll'],
    ['a repeated key', '{"a":1,"b":2,"a":3}'],
    ['a key named __proto__', '{"__proto__":{"a":1},"__proto__":null}'],
  ])('takes or refuses %s as JSON.parse does', (_title, text) => {
    expectAsParsed(Buffer.from(text));
    expectAsParsed(Buffer.from(`{"data":[${text}]}`));
  });

  test.each<[string, string]>([
    ['a lone surrogate', '22eda08022'],
    ['an overlong form', '22c0a222'],
    ['what is beyond Unicode', '22f490808022'],
    ['a sequence that the closing quote cuts', '22e28222'],
    ['a sequence that the end of the text cuts', '22e282'],
    ['bytes of Latin-1 in a key', '7b22e4223a317d'],
    ['a byte order mark before bytes that are no UTF-8', 'efbbbf22ff22'],
    ['bytes outside of a string', 'ff31'],
    ['half a byte order mark', 'efbb31'],
    ['UTF-16', 'fffe7b007d00'],
  ])('takes %s for U+FFFD, as a text that was decoded is', (_title, hex) => {
    expectAsParsed(Buffer.from(hex, 'hex'));
  });

  test.each<[string, string, string]>([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
    ['both', '[{"a":', '}]'],
  ])('goes through 100 000 nested %s, and minds a bracket that is missing or too many', (_title, open, close) => {
    const depth = 100_000;
    for (const [text, isJson] of [
      [`${open.repeat(depth)}1${close.repeat(depth)}`, true],
      [`${open.repeat(depth)}1${close.repeat(depth)}${close}`, false],
      [`${open.repeat(depth)}1${close.repeat(depth - 1)}`, false],
      [open.repeat(depth), false],
    ] as const) {
      const body = Buffer.from(text);
      const readers = [(json: JsonReader) => json.skip(), skipMembers, walk, (json: JsonReader) => void json.strings()];
      for (const read of readers) {
        const outcome = outcomeOf(() => JsonReader.read(body, read));
        expect(outcome).toEqual(isJson ? { value: undefined } : 'not JSON');
      }
    }
  });

  test('returns what JSON.parse returns for a value in the middle, and continues after it', () => {
    fc.assert(
      fc.property(fc.array(jsonText, { maxLength: 5 }), fc.nat(4), (items, which) => {
        const body = Buffer.from(`[${items.join(',')}]`);
        const values: unknown[] = [];
        JsonReader.read(body, (json) => {
          json.enter();
          for (let index = 0; json.nextItem(); index++) {
            if (index === which) values.push(json.value());
            else json.skip();
          }
        });
        expect(shown(values)).toBe(shown(items.slice(which, which + 1).map((item): unknown => JSON.parse(item))));
      }),
      RUNS,
    );
  });
});

describe('a key', () => {
  test('matches a name exactly when its parsed form does, escaped or not', () => {
    const NAMES = ['data', 'dat', 'datas', 'Data', '', 'statusCode', 'identityId', 'a', '__proto__', '\\u0061'];
    const near = fc
      .constantFrom(...NAMES)
      .chain((name) =>
        fc
          .array(fc.nat(4), { minLength: name.length, maxLength: name.length })
          .map((styles) => `"${[...name].map((unit, index) => unitText(unit, styles[index] ?? 4)).join('')}"`),
      );
    fc.assert(
      fc.property(fc.oneof(near, stringText), space, fc.constantFrom(...NAMES), (key, spaces, name) => {
        JsonReader.read(Buffer.from(`{${spaces}${key}${spaces}:${spaces}1}`), (json) => {
          json.enter();
          expect(json.nextKey()).toBe(true);
          // Several names can be compared with one key, in any order.
          for (const asked of [name, ...NAMES, name]) expect(json.isKey(asked)).toBe(JSON.parse(key) === asked);
          expect(json.value()).toBe(1);
          expect(json.nextKey()).toBe(false);
        });
      }),
      RUNS,
    );
  });
});

describe('the last value', () => {
  const rangeOf = (json: JsonReader): string => json.bytes.toString('utf8', json.start, json.end);

  test('has its position in the text, and is plain only where JSON.stringify would write the same', () => {
    fc.assert(
      fc.property(space, stringText, space, (before, text, after) => {
        JsonReader.read(Buffer.from(`[${before}${text}${after},1]`), (json) => {
          json.enter();
          json.nextItem();
          expect(json.string()).toBe(true);
          expect(rangeOf(json)).toBe(text);
          if (json.isPlain) expect(JSON.stringify(JSON.parse(text))).toBe(text);
          // A string without escapes must be plain, because plain values are copied instead of parsed.
          else expect(text).toContain('\\');
          json.nextItem();
          expect(json.string()).toBe(false);
          expect(rangeOf(json)).toBe('1');
          expect(json.nextItem()).toBe(false);
        });
      }),
      RUNS,
    );
  });

  test('is a list of strings exactly where its parsed form is one, and plain only where JSON.stringify would write the same', () => {
    const item = fc.oneof({ weight: 8, arbitrary: stringText }, jsonText);
    const spaced = fc.tuple(space, item, space).map((parts) => parts.join(''));
    const list = fc.array(spaced, { maxLength: 4 }).chain((items) => inside('[', items.join(','), ']', items.length));
    fc.assert(
      fc.property(
        fc.oneof(
          { weight: 5, arbitrary: list },
          jsonText.map((text) => text.trim()),
        ),
        space,
        (text, after) => {
          const parsed: unknown = JSON.parse(text);
          const areStrings = Array.isArray(parsed) && parsed.every((entry) => typeof entry === 'string');
          JsonReader.read(Buffer.from(`{"a":${text}${after},"b":2}`), (json) => {
            json.enter();
            json.nextKey();
            expect(json.strings()).toBe(areStrings);
            expect(rangeOf(json)).toBe(text);
            if (areStrings && json.isPlain) expect(JSON.stringify(parsed)).toBe(text);
            if (areStrings && JSON.stringify(parsed) === text) expect(json.isPlain).toBe(!text.includes('\\'));
            expect(json.nextKey()).toBe(true);
            expect(json.isKey('b')).toBe(true);
            expect(json.value()).toBe(2);
            expect(json.nextKey()).toBe(false);
          });
        },
      ),
      RUNS,
    );
  });
});
