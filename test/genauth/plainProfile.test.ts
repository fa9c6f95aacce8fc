import fc from 'fast-check';
import { writePlainProfile } from '../../src/genauth/plainProfile';
import { readProfile } from '../../src/genauth/profile';
import { JsonReader, JsonWriter } from '../../src/json';

/** Writes a profile that stands between other values. @returns null if it is not plain, and nothing was written. */
function writePlain(profile: string): string | null {
  const body = Buffer.from(`[0,${profile},0]`);
  const json = JsonReader.read(body, (reader) => {
    reader.skip();
    return reader;
  });
  const out = new JsonWriter();
  out.literal('#');
  const start = 3;
  const isPlain = writePlainProfile(json, start, start + Buffer.byteLength(profile), out);
  const written = out.take().toString();
  if (!isPlain) expect(written).toBe('#');
  return isPlain ? written.slice(1) : null;
}

/** Writes a profile by the rules of `readProfile`. */
function writeAsObject(profile: string): string {
  return JSON.stringify(readProfile(Buffer.from(profile)));
}

const KEYS = [
  ...[
    '"name"',
    '"nickname"',
    '"n\\u0061me"',
    '"城市"',
    '"email"',
    '"sub"',
    '"7"',
    '"01"',
    '"__proto__"',
    '""',
    '"a b"',
  ],
  ...[
    '"value"',
    '"type"',
    '"toString"',
    '"accessToken"',
    '"refresh_token"',
    '"access\\u005ftoken"',
    '"passwordLastSet"',
  ],
];
const VALUES = [
  ...['"Ada"', '"三儿 😀"', '""', '"ada@example.com"', '"https://example.com/u/7?size=40"', '"A\\u0064a"', '"a\\"b"'],
  ...['null', 'true', 'false', '0', '7', '-7', '-0', '1.0', '1e3', '123456789012345', '12345678901234567890'],
  ...['"Bearer abcdefgh12345678"', '"https://example.com/?access_token=abc"', '"eyJhbGciOi.eyJzdWIiOj.x"', '"pwd=1"'],
  ...['"{\\"accessToken\\":\\"abc\\"}"', '["a"]', '{"name":"accessToken","value":"abc"}', '{}', '[]'],
  ...['["a","b"]', '["accessToken","abc"]', '["a","b","c"]', '["a","pwd=1","c"]', '["a" ]', '[["a"]]', '["a\\nb"]'],
];

describe('a profile that is written without making an object', () => {
  test('has the same bytes as one that is written from its object', () => {
    const space = fc.constantFrom('', '', '', ' ', '\n\t');
    const member = fc.tuple(space, fc.constantFrom(...KEYS), space, fc.constantFrom(...VALUES), space);
    const plainMember = fc.tuple(
      space,
      fc.constantFrom(...KEYS.slice(0, 2), ...KEYS.slice(3, 6), '"token"'),
      space,
      fc.constantFrom(...VALUES.slice(0, 5), 'null', 'true', '7'),
      space,
    );
    const members = fc.oneof(fc.array(member, { maxLength: 4 }), fc.array(plainMember, { maxLength: 7 }));
    const found = { plain: 0, other: 0 };
    fc.assert(
      fc.property(members, (parts) => {
        const profile = `{${parts.map(([before, key, colon, value, after]) => `${before}${key}${colon}:${value}${after}`).join()}}`;
        const written = writePlain(profile);
        if (written !== null) expect(written).toBe(writeAsObject(profile));
        found[written === null ? 'other' : 'plain'] += 1;
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(found.plain, found.other)).toBeGreaterThan(500);
  });

  test.each([
    [
      'has the members of most providers',
      '{"sub":"7","name":"三儿","email_verified":true,"id":1024001,"picture":null}',
    ],
    ['has credentials that are known by their names', '{"name":"Ada","access_token":{"value":["x"]},"idToken":"x"}'],
    ['has lists of texts', '{"privilege":[],"mail":["ada@example.com"],"groups":["a","b","c"]}'],
    ['is empty', '{}'],
    ['has only credentials', '{ "token" : "x" }'],
  ])('is one that %s', (_title, profile) => {
    expect(writePlain(profile)).toBe(writeAsObject(profile));
  });

  test.each([
    ['is not an object', '"{}"'],
    ['repeats a key', '{"name":"Ada","name":"Ada Lovelace"}'],
    ['has a key that objects put first', '{"name":"Ada","7":"x"}'],
    ['has an escaped key', '{"access\\u005ftoken":"x"}'],
    ['has an escaped text', '{"name":"\\u0041da"}'],
    ['has a number that is written in another way', '{"n":1.0}'],
    ['has a long number', '{"id":12345678901234567890}'],
    ['has an object', '{"address":{"city":"x"}}'],
    ['has a list of anything but texts', '{"groups":[1]}'],
    ['has a list that may be a name and a value', '{"groups":["accessToken","x"]}'],
    ['has a list with a credential', '{"groups":["a","Bearer abcdefgh12345678","b"]}'],
    ['has a list with spaces', '{"groups":[ "a" ]}'],
    ['has a text with a credential', '{"name":"Bearer abcdefgh12345678"}'],
    ['is long', `{"name":"${'x'.repeat(4_096)}"}`],
  ])('is not one that %s', (_title, profile) => {
    expect(writePlain(profile)).toBeNull();
  });

  test('treats JSON inside of texts alike at any depth', () => {
    for (let depth = 1; depth < 40; depth++) {
      const text = JSON.stringify('['.repeat(depth) + ']'.repeat(depth));
      for (const profile of [`{"name":${text}}`, `{"names":[${text}]}`]) {
        const written = writePlain(profile);
        if (written !== null) expect(written).toBe(writeAsObject(profile));
        else expect(depth).toBeGreaterThan(20);
      }
    }
  });
});
