import fc from 'fast-check';
import { withoutProfiles } from '../../src/genauth/withoutProfiles';

const LONG = 'x'.repeat(20_000);
const row = fc.dictionary(
  fc.constantFrom('identityId', 'extIdpId', 'type', 'userInfoInIdp', 'originConnIds', 'other'),
  fc.oneof(fc.jsonValue(), fc.constant(LONG)),
);
const identities = fc.oneof(fc.array(fc.oneof({ weight: 4, arbitrary: row }, fc.jsonValue())), row, fc.jsonValue());
const user = fc.record(
  { userId: fc.string(), photo: fc.constantFrom(LONG, 'short', null), email: fc.jsonValue(), identities },
  { requiredKeys: [] },
);

/** The same rule, on what JSON.parse makes of the user. */
function expected(value: Record<string, unknown>): unknown {
  const isObject = (item: unknown): item is object => typeof item === 'object' && item !== null && !Array.isArray(item);
  const short = (item: object, kept: string, dropped: string): object =>
    Object.fromEntries(
      Object.entries(item).filter(([key, each]) => key !== dropped && (key === kept || each !== LONG)),
    );
  const strip = (item: unknown): unknown => (isObject(item) ? short(item, '', 'userInfoInIdp') : item);
  const rest = short(value, 'identities', '');
  const rows = value['identities'];
  return 'identities' in value ? { ...rest, identities: Array.isArray(rows) ? rows.map(strip) : strip(rows) } : rest;
}

describe('a user without profiles', () => {
  test.each([
    ['compact', 0],
    ['indented', 2],
  ])('has all members but `userInfoInIdp` and long values, in %s JSON', (_title, indent) => {
    fc.assert(
      fc.property(user, (value) => {
        const copy = withoutProfiles(Buffer.from(JSON.stringify(value, null, indent)));
        expect(JSON.parse(copy.toString())).toEqual(JSON.parse(JSON.stringify(expected(value))));
      }),
    );
  });

  test('keeps identities in any form, however long, because without them the user would seem to have none', () => {
    const text = JSON.stringify([{ identityId: 'i', userInfoInIdp: LONG }]);
    const copy = withoutProfiles(Buffer.from(JSON.stringify({ identities: text })));
    expect(JSON.parse(copy.toString())).toEqual({ identities: text });
  });
});
