import * as fc from 'fast-check';
import { createIdParser, parseIdentityType } from '../../src/genauth/ids';
import { authorization, type Brand, canonicalize } from '../../src/genauth/signature';
import { HEADERS, KEY, VECTORS, WEBSOCKET } from './signatureVectors';

const BRANDS: Brand[] = ['genauth', 'authing'];

describe.each(BRANDS)('the vectors of the %s SDK', (brand) => {
  test.each(VECTORS[brand])('signs $title', (vector) => {
    const headers = { ...HEADERS[brand], ...vector.headers };
    const text = canonicalize({ ...vector, headers }, brand);
    expect(text).toBe(vector.stringToSign);
    expect(authorization(text, KEY, brand)).toBe(vector.authorization);
  });

  test('signs the constant of the event socket', () => {
    expect(authorization('websocket\n', KEY, brand)).toBe(WEBSOCKET[brand]);
  });
});

describe('signed headers', () => {
  const request = { method: 'GET', path: '/api/v3/get-user', data: { userId: 'u1' } };

  test('are the date and those of the brand, and no others', () => {
    const headers = { 'x-authing-lang': 'a', 'x-genauth-lang': 'b', date: 'd', 'x-dates': 'e', authorization: 'f' };
    expect(canonicalize({ ...request, headers }, 'genauth')).toBe(
      'GET\ndate:d\nx-genauth-lang:b\n/api/v3/get-user?userId=u1',
    );
    expect(canonicalize({ ...request, headers }, 'authing')).toBe(
      'GET\ndate:d\nx-authing-lang:a\n/api/v3/get-user?userId=u1',
    );
  });

  test('have their white space normalized and trimmed', () => {
    const headers = { date: ' \ta\tb\nc\rd\fe  f\n' };
    expect(canonicalize({ ...request, headers }, 'genauth')).toBe('GET\ndate:a b c d e  f\n/api/v3/get-user?userId=u1');
  });

  test('yield the same string in any order and any case', () => {
    const name = fc.constantFrom(
      'date',
      'x-genauth-lang',
      'x-genauth-app-id',
      'x-genauth-a',
      'accept',
      'x-authing-lang',
    );
    const entries = fc.uniqueArray(fc.tuple(name, fc.string()), { selector: ([key]) => key });
    const shuffled = entries.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length }),
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, other, upper]) => {
        const recased = other.map(([key, value]): [string, string] => [
          [...key].map((letter, index) => (upper[index] === true ? letter.toUpperCase() : letter)).join(''),
          value,
        ]);
        const text = canonicalize({ ...request, headers: Object.fromEntries(list) }, 'genauth');
        expect(canonicalize({ ...request, headers: Object.fromEntries(recased) }, 'genauth')).toBe(text);
      }),
    );
  });
});

describe('the string to sign', () => {
  // Parts from which requests that pass for one another would be made, if anything let them through.
  const part = fc.constantFrom(
    'a',
    '1',
    '&',
    '=',
    '?',
    'type',
    '&type=',
    '&userId=',
    'extIdpId',
    'undefined',
    '"',
    ',',
    '","',
  );
  const nearMiss = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  const text = fc.oneof({ weight: 4, arbitrary: nearMiss }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) });
  const parseId = createIdParser('.*');
  const accepts = (parse: () => unknown): boolean => {
    try {
      return parse() !== undefined;
    } catch {
      return false;
    }
  };
  const id = text.filter((value) => accepts(() => parseId('id', value)));
  const type = fc.option(
    text.filter((value) => accepts(() => parseIdentityType('type', value))),
    { nil: undefined },
  );

  const unlink = fc
    .record({ userId: id, extIdpId: id, type })
    .map((data) => ({ method: 'POST', path: '/api/v3/unlink-identity', data, headers: {} }));
  const batch = fc.array(id, { minLength: 1, maxLength: 4 }).map((userIds) => ({
    method: 'GET',
    path: '/api/v3/get-user-batch',
    data: { userIds, withIdentities: 'true' },
    headers: {},
  }));

  test.each([
    ['unlinks', unlink],
    ['batches', batch],
  ])('differs for any two different %s with ids that were checked', (_title, request) => {
    fc.assert(
      fc.property(request, request, (one, other) => {
        const same = JSON.stringify(one.data) === JSON.stringify(other.data);
        expect(canonicalize(one, 'genauth') === canonicalize(other, 'genauth')).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is the same for different requests with ids that were not checked', () => {
    const request = { method: 'POST', path: '/api/v3/unlink-identity', headers: {} };
    const one = canonicalize({ ...request, data: { userId: 'u1', extIdpId: 'e1&type=generic' } }, 'genauth');
    const other = canonicalize({ ...request, data: { userId: 'u1', extIdpId: 'e1', type: 'generic' } }, 'genauth');
    expect(one).toBe(other);
    expect(() => parseId('extIdpId', 'e1&type=generic')).toThrow();
  });

  test('exists for any JSON request', () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant(undefined)) as fc.Arbitrary<unknown>;
    const request = fc.record({
      method: fc.string(),
      path: fc.string({ unit: 'binary' }),
      headers: fc.dictionary(fc.string(), fc.string({ unit: 'binary' })),
      data: fc.dictionary(fc.string({ unit: 'binary' }), value),
    });
    fc.assert(
      fc.property(request, fc.constantFrom(...BRANDS), (any, brand) => {
        const canonical = canonicalize(any, brand);
        expect(canonical.startsWith(`${any.method}\n`)).toBe(true);
        expect(authorization(canonical, KEY, brand)).toMatch(
          /^(GenAuth|authing) userpool0000000000000001:[\w+/]{27}=$/,
        );
      }),
    );
  });
});
