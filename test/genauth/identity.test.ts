import * as fc from 'fast-check';
import { type Identity, IdentityList, type RowTemplate } from '../../src/genauth/identity';
import { IdentityRows } from '../../src/genauth/identityRows';
import { JsonReader, JsonWriter, WordBytes } from '../../src/json';
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
  test('is read by its known fields; all others are dropped', () => {
    const { identityId: id, ...rest } = ROW;
    const row = { ...ROW, accessToken: 'a', refreshToken: 'r', userInfoInIdp: { nickname: 'Li' }, somethingNew: 1 };
    expect(readIdentity(row)).toEqual({ id, ...rest, userInfoInIdp: { nickname: 'Li' } });
  });

  test.each<[string, unknown]>([
    ['absent', undefined],
    ['null', null],
    ['a text', 'nickname'],
    ['a text that contains a list', '[{"nickname":"Li"}]'],
    ['a number', 1],
    ['a list', [{ nickname: 'Li' }]],
  ])('has no user info when that is %s', (_title, userInfoInIdp) => {
    expect(readIdentity({ ...ROW, userInfoInIdp })).toMatchObject({ id: ROW.identityId, userInfoInIdp: null });
  });

  test('has the user info that a text contains', () => {
    const userInfoInIdp = '{"nickname":"Li","access_token":"x","id":12345678901234567890}';
    expect(readIdentity({ ...ROW, userInfoInIdp })?.userInfoInIdp).toEqual({
      nickname: 'Li',
      id: '12345678901234567890',
    });
  });

  test.each<[string, object, object]>([
    ['an id that is a number', { identityId: 12_345 }, { id: '12345' }],
    ['a source that is a number', { extIdpId: 7 }, { extIdpId: '7' }],
    ['a source that is null', { extIdpId: null }, { extIdpId: null }],
    ['a source that is an object', { extIdpId: { id: 'x' } }, { extIdpId: null }],
    ['no source', { extIdpId: undefined }, { extIdpId: null }],
    ['no provider', { provider: undefined }, { provider: null }],
    ['an empty provider', { provider: '' }, { provider: null }],
    ['a provider that is a list', { provider: ['wechat'] }, { provider: null }],
    ['no type', { type: undefined }, { type: 'generic' }],
    ['a type that is null', { type: null }, { type: 'generic' }],
    ['an empty type', { type: '' }, { type: 'generic' }],
    ['a type that is a number', { type: 5 }, { type: '5' }],
    ['a type that is a boolean', { type: true }, { type: 'generic' }],
    ['an account that is a number', { userIdInIdp: 0 }, { userIdInIdp: '0' }],
    ['an account that is null', { userIdInIdp: null }, { userIdInIdp: null }],
    ['no connections', { originConnIds: undefined }, { originConnIds: [] }],
    ['connections that are null', { originConnIds: null }, { originConnIds: [] }],
    ['connections as a text', { originConnIds: '["c1", 2]' }, { originConnIds: ['c1', '2'] }],
    ['a connection as a text', { originConnIds: 'c1' }, { originConnIds: ['c1'] }],
    ['a connection as a text that is not a list', { originConnIds: '{"c1":1}' }, { originConnIds: ['{"c1":1}'] }],
    ['connections that are numbers', { originConnIds: ['c1', 1, null] }, { originConnIds: ['c1', '1'] }],
    ['connections that are an object', { originConnIds: {} }, { originConnIds: [] }],
  ])('is read in spite of %s', (_title, odd, expected) => {
    const { identityId: id, ...rest } = ROW;
    const identity = { id, ...rest, userInfoInIdp: null, ...expected };
    expect(readIdentity({ ...ROW, ...odd })).toEqual(identity);
    // Its plain neighbours are not affected.
    const neighbour = { ...ROW, identityId: 'other', userInfoInIdp: { a: 1 } };
    expect(readIdentities([neighbour, { ...ROW, ...odd }])).toMatchObject([
      { id: 'other', userInfoInIdp: { a: 1 } },
      identity,
    ]);
  });

  test('keeps all digits of a number', () => {
    const text = JSON.stringify([ROW]).replace(/"userIdInIdp":"[^"]*"/, '"userIdInIdp":12345678901234567890');
    expect(readRows(text)?.toArray()[0]?.userIdInIdp).toBe('12345678901234567890');
  });

  test.each<[string, unknown]>([
    ['a text', 'row'],
    ['a list', [ROW]],
    ['empty', {}],
    ['without an id', { ...ROW, identityId: undefined }],
    ['with an id that is null', { ...ROW, identityId: null }],
    ['with an empty id', { ...ROW, identityId: '' }],
    ['with an id that is an object', { ...ROW, identityId: {} }],
  ])('cannot be used when it is %s, and makes the whole list unusable', (_title, row) => {
    expect(readIdentity(row)).toBeNull();
    expect(readIdentities([ROW, row])).toBeNull();
  });
});

describe('a list of rows', () => {
  const other = { ...ROW, identityId: 'other' };

  test.each<[string, unknown]>([
    ['a single object', ROW],
    ['a text that contains it', JSON.stringify([ROW])],
    ['a list with null rows', [null, ROW, null]],
    ['a list that repeats a row', [ROW, { ...ROW, userInfoInIdp: { a: 1 } }, ROW]],
  ])('can be %s', (_title, rows) => {
    expect(readIdentities(rows)).toMatchObject([{ id: ROW.identityId, userInfoInIdp: null }]);
  });

  test.each([2, 3, 16, 17, 40])('of %i rows shows a repeated row once', (length) => {
    const rows = Array.from({ length }, (_, index) => ({ ...ROW, identityId: `id-${Math.min(index, length - 2)}` }));
    expect(readIdentities(rows)?.map(({ id }) => id)).toEqual(rows.slice(0, -1).map((row) => row.identityId));
  });

  test('cannot be used when two identities have the same id', () => {
    expect(readIdentities([ROW, { ...ROW, type: 'unionid' }])).toBeNull();
    expect(readIdentities([ROW, { ...ROW, extIdpId: 'other' }])).toBeNull();
    expect(readIdentities([ROW, other])).toHaveLength(2);
  });

  test('can be empty or null', () => {
    expect(readIdentities([])).toEqual([]);
    expect(readIdentities([null])).toEqual([]);
    expect(readIdentities(null)).toEqual([]);
  });

  test.each([1, true, '', 'text', '1'])('cannot be %j', (rows) => {
    expect(readIdentities(rows)).toBeNull();
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

  test('are removed in any spelling, at any depth', () => {
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

  test('are removed without their harmless neighbours', () => {
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
  test('may have a key named __proto__, whose value is searched for credentials like any other', () => {
    const info = userInfoOf('{"__proto__":{"polluted":1,"token":"x"},"constructor":{"prototype":{"polluted":1}}}');
    expect(JSON.stringify(info)).toBe('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['objects', '{"a":', '}'],
    ['lists', '[', ']'],
    ['both', '[{"a":', '}]'],
  ])('made of 10 000 nested %s is cut where it can still be written', (_title, open, close) => {
    const nested = (depth: number): string => `{"a":${open.repeat(depth)}1${close.repeat(depth)},"nickname":"Li"}`;
    const info = userInfoOf(nested(10_000));
    expect(info).toMatchObject({ nickname: 'Li' });
    expect(JSON.stringify(info).length).toBeLessThan(1_000);
    // With ten times as many, parsing it would block other requests.
    expect(userInfoOf(nested(100_000))).toBeNull();
  });

  test('is complete down to the depth of any real profile', () => {
    const info = `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`;
    expect(JSON.stringify(userInfoOf(info))).toBe(info);
  });
});

/**
 * The rules for rows, on what JSON.parse makes of them: written for the test, and on purpose in another way. Each column has one
 * expression. Numbers in the rows below are written as JavaScript writes them.
 */
function identityOf(row: unknown): Record<string, unknown> {
  const columns = new Map(isRecord(row) ? Object.entries(row) : []);
  const text = (name: string): string | null => textOf(columns.get(name));
  return {
    id: text('identityId'),
    extIdpId: text('extIdpId'),
    provider: text('provider'),
    type: text('type') ?? 'generic',
    userIdInIdp: text('userIdInIdp'),
    userInfoInIdp: profileOf(columns.get('userInfoInIdp')),
    originConnIds: connectionsOf(columns.get('originConnIds')),
  };
}

function profileOf(value: unknown): unknown {
  const profile = typeof value === 'string' ? parsed(value) : value;
  return isRecord(profile) ? withoutTokens(profile) : null;
}

/** @returns null if the rows cannot be used. */
function identitiesOf(rows: unknown): Record<string, unknown>[] | null {
  if (rows === null) return [];
  if (typeof rows === 'string') return /^\s*[[{n]/.test(rows) ? identitiesOf(parsed(rows)) : null;
  const list = Array.isArray(rows) ? rows : isRecord(rows) ? [rows] : null;
  const all = list?.filter((row) => row !== null).map(identityOf) ?? null;
  if (all === null || all.some(({ id }) => id === null)) return null;
  const linkOf = ({ extIdpId, type, userIdInIdp }: Record<string, unknown>): string =>
    JSON.stringify([extIdpId, type, userIdInIdp]);
  const isClash = all.some((one) => all.some((two) => one['id'] === two['id'] && linkOf(one) !== linkOf(two)));
  return isClash ? null : all.filter((one, index) => all.findIndex(({ id }) => id === one['id']) === index);
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return shownAs(value);
  return typeof value === 'string' && value.length > 0 ? value : null;
}

function shownAs(value: number): string {
  return Object.is(value, -0) ? '-0' : value === Infinity ? '1e999' : String(value);
}

function connectionsOf(value: unknown): string[] {
  const inText = typeof value === 'string' ? parsed(value) : value;
  if (Array.isArray(inText)) return inText.flatMap((item) => (item === '' ? [''] : (textOf(item) ?? [])));
  return textOf(value) === null ? [] : [textOf(value) as string];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const STRINGS = ['identityId', 'extIdpId', 'provider', 'type', 'userIdInIdp'];

/** The rows below contain no credentials other than tokens. */
function withoutTokens(tree: unknown): unknown {
  if (tree === Infinity) return '1e999';
  if (typeof tree !== 'object' || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map(withoutTokens);
  const kept = Object.entries(tree).filter(([name]) => !/token/i.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutTokens(value)]));
}

describe('a list of rows in any spelling', () => {
  const space = fc.oneof(
    { weight: 5, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 }) },
  );
  const characters = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom('', '62f20932716fbcc10d966ee5', '名', '\u2028', '\ud83d', '"', '\\', '/'),
  );
  /** A string as it stands in the text: some of it escaped without need. */
  const escaped = (content: string): fc.Arbitrary<string> =>
    fc
      .constantFrom<(unit: string) => string>(
        (unit) => unit,
        (unit) => unit,
        (unit) => (unit === '/' ? '\\/' : unit),
        (unit) => (/[a-z]/i.test(unit) ? `\\u00${unit.charCodeAt(0).toString(16)}` : unit),
        (unit) => (unit === 'y' ? '\\u0079' : unit),
      )
      .map(
        (escape) =>
          `"${[
            ...JSON.stringify(content)
              .slice(1, -1)
              .split(/(\\u....|\\.)/),
          ]
            .map((part) => (part.startsWith('\\') ? part : [...part].map(escape).join('')))
            .join('')}"`,
      );
  const stringText = characters.chain(escaped);
  const listText = (item: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc
      .tuple(
        space,
        fc.array(
          fc.tuple(space, item, space).map((parts) => parts.join('')),
          { maxLength: 3 },
        ),
      )
      .map(([inside, items]) => (items.length === 0 ? `[${inside}]` : `[${items.join(',')}]`));
  const anyText = fc.oneof(
    fc.constantFrom('null', '1', '-0', '1e999', 'true', '{}', '[]', '[null]', '{"a":["b"]}'),
    stringText,
    listText(stringText),
  );
  const infoKey = fc
    .constantFrom('a', 'b', 'toJSON', '__proto__', 'access_token', 'constructor', '1', '0')
    .chain(escaped);
  const infoText = fc
    .array(fc.tuple(infoKey, anyText), { maxLength: 4 })
    .map((members) => `{${members.map(([key, value]) => `${key}:${value}`).join(', ')}}`);

  /** Most values are of the documented kind, so that many lists are plain. */
  const memberText = (name: string): fc.Arbitrary<string> => {
    const good =
      name === 'originConnIds'
        ? fc.oneof({ weight: 4, arbitrary: listText(stringText) }, fc.constant('null'))
        : name === 'userInfoInIdp'
          ? fc.oneof({ weight: 4, arbitrary: infoText }, anyText)
          : stringText;
    return fc.oneof({ weight: 15, arbitrary: good }, { weight: 1, arbitrary: anyText });
  };
  const NAMES = [...STRINGS, 'userInfoInIdp', 'originConnIds'];
  const member = fc
    .oneof(
      { weight: 7, arbitrary: fc.constantFrom(...NAMES) },
      { weight: 1, arbitrary: fc.constantFrom('accessToken', 'id', '__proto__', 'identityI', 'identityIdd', '名') },
    )
    .chain((name) => fc.tuple(escaped(name), memberText(name)));
  const whole = NAMES.map((name) => fc.tuple(escaped(name), memberText(name)));
  const goodRow = fc
    .tuple(fc.tuple(...whole), fc.array(member, { maxLength: 3 }), fc.nat(40))
    // One of the members may be absent, which is bad for most of them.
    .map(([all, others, absent]) => [...all.filter((_, index) => index !== absent), ...others])
    .chain((members) => fc.shuffledSubarray(members, { minLength: members.length }));
  const rowText = fc.oneof(
    {
      weight: 30,
      arbitrary: fc
        .tuple(goodRow, space, space, space)
        .map(
          ([members, a, b, c]) =>
            `{${a}${members.map(([key, value]) => `${key}${b}:${c}${value}`).join(`${c},${a}`)}${b}}`,
        ),
    },
    { weight: 1, arbitrary: anyText },
  );
  const rowsText = fc.oneof({ weight: 15, arbitrary: listText(rowText) }, { weight: 1, arbitrary: anyText });

  const FIELDS = ['id', 'extIdpId', 'provider', 'type', 'userIdInIdp', 'userInfoInIdp', 'originConnIds'] as const;
  const templates = fc.array(fc.constantFrom(...FIELDS), { maxLength: 9 });

  /** As the fast path has it: what goes before each field, and what goes after the last. */
  function templateOf(fields: readonly (keyof Identity)[]): RowTemplate {
    return {
      fields: fields.map((field, index) => ({
        before: WordBytes.from(`${index === 0 ? '{' : ','}"${index}":`),
        field,
      })),
      after: WordBytes.from(fields.length === 0 ? '{}' : '}'),
    };
  }

  test('equals its parsed rows, in objects and in what is written, or is unusable where a row has no id of its own', () => {
    let lists = 0;
    let refused = 0;
    fc.assert(
      fc.property(space, rowsText, space, templates, (before, text, after, fields) => {
        const body = Buffer.from(`{"others":[${JSON.stringify(ROW)}],"identities":${before}${text}${after},"next":1}`);
        const list = JsonReader.read(body, (json) => {
          // Lists that share their rows do not mix them up.
          const sharedRows = new IdentityRows(1);
          json.enter();
          json.nextKey();
          const others = IdentityList.read(json, sharedRows);
          json.nextKey();
          const read = IdentityList.read(json, sharedRows);
          expect(others).toBeInstanceOf(IdentityList);
          expect((others as IdentityList).toArray()).toMatchObject([{ userIdInIdp: ROW.userIdInIdp }]);
          // Even after invalid rows, the reader is at the end of the list.
          expect(json.nextKey() && json.isKey('next') && json.value()).toBe(1);
          expect(json.nextKey()).toBe(false);
          return read;
        });
        const rows = JSON.parse(text) as unknown;
        const identities = identitiesOf(rows);
        if (identities === null || typeof list === 'string') {
          expect(identities).toBeNull();
          expect(['identities', 'identityId']).toContain(list);
          refused++;
          return;
        }
        lists += identities.length > 0 ? 1 : 0;
        expect(list.length).toBe(identities.length);
        expect(JSON.stringify(list.toArray())).toBe(JSON.stringify(identities));
        const out = new JsonWriter();
        list.write(templateOf(fields), out);
        const picked = identities.map((identity) => {
          const values = fields.map((field, index) => `"${index}":${JSON.stringify(identity[field])}`);
          return `{${values.join(',')}}`;
        });
        expect(out.take().toString()).toBe(`[${picked.join(',')}]`);
      }),
      { numRuns: 4_000, seed: 20261127 },
    );
    // Both are many, or one of them would hardly have been tried.
    expect(lists).toBeGreaterThan(1_000);
    expect(refused).toBeGreaterThan(1_000);
  });

  test('returns the same objects each time', () => {
    const list = readRows(JSON.stringify([ROW, { ...ROW, identityId: 'other' }]));
    expect(list?.toArray()).toBe(list?.toArray());
    expect(list?.toArray()).toHaveLength(2);
  });

  test('without rows is written as an empty array', () => {
    const out = new JsonWriter();
    IdentityList.EMPTY.write(templateOf(['id']), out);
    expect(out.take().toString()).toBe('[]');
    expect(IdentityList.EMPTY.toArray()).toEqual([]);
  });
});

function namesIn(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const inside = Object.values(tree).flatMap(namesIn);
  return Array.isArray(tree) ? inside : [...Object.keys(tree), ...inside];
}
