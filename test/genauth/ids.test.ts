import * as fc from 'fast-check';
import { InvalidArgumentError } from '../../src/genauth';
import { createIdParser, parseIdentityType } from '../../src/genauth/ids';

const DEFAULT = '^[0-9a-f]{24}$';
const ID = '6229ffaa0000000000000001';

describe('the default pattern', () => {
  const parseId = createIdParser(DEFAULT);

  test('accepts 24 lower-case hexadecimal digits, unchanged', () => {
    expect(parseId('userId', ID)).toBe(ID);
  });

  test.each([
    ['the empty text', ''],
    ['one digit fewer', ID.slice(1)],
    ['one digit more', `${ID}0`],
    ['upper case', ID.toUpperCase()],
    ['a newline at the end', `${ID}\n`],
    ['a newline before', `\n${ID}`],
    ['a second line', `${ID}\n${ID}`],
    ['white space around', ` ${ID} `],
    ['dots', '..'],
    ['digits of another script', '٠'.repeat(24)],
    ['letters of full width', 'ａ'.repeat(24)],
    ['a parameter behind', `${ID}&type=generic`],
  ])('refuses %s', (_title, value) => {
    expect(() => parseId('userId', value)).toThrow(InvalidArgumentError);
  });
});

describe('a pattern that allows anything', () => {
  const parseId = createIdParser('[^]*');

  test.each(['u1', 'a.b', 'user@example.com', 'ou_8bae746e', 'a:b|c', '~!$*+,;', 'x'.repeat(128)])(
    'accepts %j',
    (value) => {
      expect(parseId('userId', value)).toBe(value);
    },
  );

  test.each([
    ['an ampersand', 'a&b'],
    ['an equals sign', 'a=b'],
    ['a question mark', 'a?b'],
    ['a number sign', 'a#b'],
    ['a percent sign', 'a%26b'],
    ['a slash', 'a/b'],
    ['a way out of a path', '../get-user'],
    ['a backslash', 'a\\b'],
    ['a quotation mark', 'a"b'],
    ['an apostrophe', "a'b"],
    ['angle brackets', '<a>'],
    ['a space', 'a b'],
    ['a newline at the end', 'abc\n'],
    ['a carriage return', 'abc\r'],
    ['NUL', 'abc\0'],
    ['DEL', 'abc\x7f'],
    ['a C1 control', 'abc\x85'],
    ['a line separator', 'abc\u2028'],
    ['a byte order mark', '\ufeffabc'],
    ['a lone surrogate', 'abc\ud800'],
    ['a paired surrogate', 'abc😀'],
    ['a letter beyond ASCII', '张三'],
    ['129 characters', 'x'.repeat(129)],
    ['a million characters', 'x'.repeat(1_000_000)],
  ])('still refuses %s', (_title, value) => {
    expect(() => parseId('userId', value)).toThrow(InvalidArgumentError);
  });

  test.each<[string, unknown]>([
    ['a number', 629],
    ['a number too large to be exact', 2 ** 53],
    ['a bigint', 1n],
    ['a boolean', true],
    ['null', null],
    ['undefined', undefined],
    ['a list of one id', [ID]],
    ['a String object', new String(ID)],
    ['an object that turns into an id', { toString: () => ID }],
    ['a symbol', Symbol('id')],
  ])('still refuses %s', (_title, value) => {
    expect(() => parseId('userId', value)).toThrow(InvalidArgumentError);
  });

  test('accepts nothing but short printable ASCII without a meaning in the string to sign', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(fc.string({ minLength: 1, maxLength: 1 }), fc.constantFrom('\n', '\ud800', 'é')) }),
        (value) => {
          let accepted = true;
          try {
            parseId('userId', value);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidArgumentError);
            accepted = false;
          }
          fc.pre(value !== '');
          expect(accepted).toBe(
            [...value].every(
              (character) => character > ' ' && character <= '~' && !'&=?#%/\\"\'<>'.includes(character),
            ),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test.each([
  ['without anchors', 'u[0-9]+'],
  ['with anchors', '^u[0-9]+$'],
  ['with alternatives, of which the anchors bind only the outer ends', '^u[0-9]+|u[0-9]+$'],
])('a pattern %s is matched against the whole id', (_title, pattern) => {
  const parseId = createIdParser(pattern);
  expect(parseId('userId', 'u12')).toBe('u12');
  for (const value of ['xu12', 'u12x', 'u', 'u12,u13'])
    expect(() => parseId('userId', value)).toThrow(InvalidArgumentError);
});

describe('an identity type', () => {
  test.each(['generic', 'openid', 'union_id', 'wechat:pc', 'a.b-c', 'x'.repeat(64)])('may be %j', (value) => {
    expect(parseIdentityType('type', value)).toBe(value);
  });

  test.each<[string, unknown]>([
    ['empty', ''],
    ['longer than 64 characters', 'x'.repeat(65)],
    ['with a parameter behind', 'openid&userId=u2'],
    ['with a newline at the end', 'openid\n'],
    ['with a space', 'open id'],
    ['beyond ASCII', 'généric'],
    ['a number', 1],
    ['a list', ['openid']],
    ['a String object', new String('openid')],
    ['null', null],
  ])('may not be %s', (_title, value) => {
    expect(() => parseIdentityType('type', value)).toThrow(InvalidArgumentError);
  });
});

test.each([
  ['an id', (value: unknown) => createIdParser(DEFAULT)('extIdpId', value)],
  ['a type', (value: unknown) => parseIdentityType('extIdpId', value)],
])('the refusal of %s names the argument and never the value', (_title, parse) => {
  const error = catchError(() => parse('hunter2&'));
  expect(error).toMatchObject({ name: 'InvalidArgumentError', argument: 'extIdpId' });
  expect(error.message).toContain('extIdpId');
  expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('hunter2');
});

function catchError(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
