import * as fc from 'fast-check';
import { type Identity, IdentityList, type RowTemplate } from '../../src/genauth/identity';
import { JsonReader, JsonWriter } from '../../src/json';
import { readRows } from '../support/identities';

const ROW = {
  identityId: '62f20932716fbcc10d966ee5',
  extIdpId: '62f209327xxxxcc10d966ee5',
  provider: 'wechat',
  type: 'openid',
  userIdInIdp: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M',
  originConnIds: ['62f2093244fa5cb19ff21ed3'],
};

function readIdentities(rows: unknown): readonly Identity[] | null {
  return readRows(JSON.stringify(rows))?.toArray() ?? null;
}

function readIdentity(row: unknown): Identity | null {
  return readIdentities([row])?.[0] ?? null;
}

/** Put together as text, because a literal with __proto__ would set the prototype. */
function userInfoOf(json: string): unknown {
  const row = JSON.stringify(ROW).replace(/\}$/, () => `,"userInfoInIdp":${json}}`);
  return readRows(`[${row}]`)?.toArray()[0]?.userInfoInIdp;
}

describe('a row', () => {
  test('is read field by field, and nothing else of it is kept', () => {
    const { identityId: id, ...rest } = ROW;
    const row = { ...ROW, accessToken: 'a', refreshToken: 'r', userInfoInIdp: { nickname: 'Li' }, somethingNew: 1 };
    expect(readIdentity(row)).toEqual({ id, ...rest, userInfoInIdp: { nickname: 'Li' } });
  });

  test.each<[string, unknown]>([
    ['absent', undefined],
    ['null', null],
    ['a text', '{"nickname":"Li"}'],
    ['a number', 1],
    ['a list', [{ nickname: 'Li' }]],
  ])('has no user info when that is %s', (_title, userInfoInIdp) => {
    expect(readIdentity({ ...ROW, userInfoInIdp })).toMatchObject({ id: ROW.identityId, userInfoInIdp: null });
  });

  test.each([undefined, null])('has no connections when they are %s', (originConnIds) => {
    expect(readIdentity({ ...ROW, originConnIds })?.originConnIds).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['null', null],
    ['a text', 'row'],
    ['a list', [ROW]],
    ['empty', {}],
    ...['identityId', 'extIdpId', 'provider', 'type', 'userIdInIdp'].flatMap((field): [string, unknown][] => [
      [`without ${field}`, { ...ROW, [field]: undefined }],
      [`with ${field} null`, { ...ROW, [field]: null }],
      [`with ${field} a number`, { ...ROW, [field]: 1 }],
    ]),
    ['with connections as a text', { ...ROW, originConnIds: '["62f2093244fa5cb19ff21ed3"]' }],
    ['with a connection that is no text', { ...ROW, originConnIds: ['62f2093244fa5cb19ff21ed3', 1] }],
  ])('cannot be read when it is %s', (_title, row) => {
    expect(readIdentity(row)).toBeNull();
  });

  test('that cannot be read spoils the list, rather than go missing from it', () => {
    expect(readIdentities([ROW, ROW])).toHaveLength(2);
    expect(readIdentities([ROW, { ...ROW, type: null }])).toBeNull();
    expect(readIdentities([])).toEqual([]);
    expect(readIdentities({ 0: ROW, length: 1 })).toBeNull();
    expect(readIdentities(null)).toBeNull();
  });
});

describe('credentials in the user info', () => {
  test.each([
    'token',
    'access_token',
    'accessToken',
    'ACCESS-TOKEN',
    'Access Token',
    'refresh.token',
    'id_token',
    'tokenType',
    't-o-k-e-n',
    'client_secret',
    'appSecret',
    'password',
    'passwd',
    'PASSWORD_HASH',
    'credentials',
    'session_key',
    'sessionId',
    'api-key',
    'private_key',
    'Authorization',
    'auth_code',
    'Set-Cookie',
    'jwt',
    'SAMLAssertion',
  ])('under the name %j are removed', (name) => {
    expect(userInfoOf(JSON.stringify({ [name]: 'x', nickname: 'Li' }))).toEqual({ nickname: 'Li' });
    expect(userInfoOf(JSON.stringify({ [name]: { deep: ['x'] }, nickname: 'Li' }))).toEqual({ nickname: 'Li' });
  });

  test('are removed at any depth, in objects and in lists', () => {
    const info = { a: { token: 1, b: [{ secret: 1, c: [[{ password: 1, d: 2 }]] }] } };
    expect(userInfoOf(JSON.stringify(info))).toEqual({ a: { b: [{ c: [[{ d: 2 }]] }] } });
  });

  test('are gone under any spelling, however deep', () => {
    const separator = fc.constantFrom('', '_', '-', ' ', '.', '$', '\u200b');
    const word = fc.constantFrom('token', 'secret', 'password');
    const spelled = fc
      .tuple(
        word,
        fc.array(fc.tuple(separator, fc.boolean()), { minLength: 8, maxLength: 8 }),
        fc.constantFrom('', 'access', '2'),
      )
      .map(
        ([letters, style, prefix]) =>
          prefix +
          [...letters].map((x, i) => (style[i]?.[1] === true ? x.toUpperCase() : x) + (style[i]?.[0] ?? '')).join(''),
      );
    const key = fc.oneof(spelled, fc.string(), fc.constantFrom('__proto__', 'constructor', 'name'));
    const { tree } = fc.letrec<{ tree: unknown; object: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        fc.string(),
        fc.integer(),
        tie('object'),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
      object: fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { maxKeys: 5 }), (info) => {
        const names = namesIn(userInfoOf(JSON.stringify(info)));
        expect(
          names.filter((name) => /token|secret|password/.test(name.replace(/[^a-z0-9]/gi, '').toLowerCase())),
        ).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('do not take harmless neighbours with them', () => {
    const info = {
      nickname: 'Li',
      sex: 1,
      privilege: [],
      headimgurl: 'https://img.example/1',
      ok: true,
      nothing: null,
    };
    expect(userInfoOf(JSON.stringify(info))).toEqual(info);
  });
});

describe('hostile user info', () => {
  test('keeps a key named __proto__ a key, and looks into it', () => {
    const info = userInfoOf('{"__proto__":{"polluted":1,"token":"x"},"constructor":{"prototype":{"polluted":1}}}');
    expect(JSON.stringify(info)).toBe('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['objects', '{"a":', '}'],
    ['lists', '[', ']'],
    ['both', '[{"a":', '}]'],
  ])('made of 100 000 nested %s is cut where it can still be written', (_title, open, close) => {
    const info = userInfoOf(`{"a":${open.repeat(100_000)}1${close.repeat(100_000)},"nickname":"Li"}`);
    expect(info).toMatchObject({ nickname: 'Li' });
    expect(JSON.stringify(info).length).toBeLessThan(1_000);
  });

  test('is kept whole down to the depth of any real profile', () => {
    const info = `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`;
    expect(JSON.stringify(userInfoOf(info))).toBe(info);
  });
});

function namesIn(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const inside = Object.values(tree).flatMap(namesIn);
  return Array.isArray(tree) ? inside : [...Object.keys(tree), ...inside];
}
