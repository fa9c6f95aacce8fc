import { type Emulator, parseJson, rawJson, readSeed, type SeedUser, startEmulator } from '../../src/emulator';
import { call, dataOf, signedRequest } from './caller';

const SOURCE = 'a'.repeat(24);
const USER = 'b'.repeat(24);

let emulator: Emulator;

afterEach(() => emulator.close());

async function startWith(user: SeedUser): Promise<void> {
  emulator = await startEmulator({
    seed: { extIdps: [{ id: SOURCE, name: 'Source', type: 'oidc' }], users: [{ id: USER, ...user }] },
  });
}

const identities = () => dataOf<unknown>(emulator, 'get-user-identities', { userId: USER });
const user = () => dataOf<Record<string, unknown>>(emulator, 'get-user', { userId: USER, withIdentities: 'true' });
const unlink = (data: object) => dataOf(emulator, 'unlink-identity', { userId: USER, extIdpId: SOURCE, ...data });

async function bodyText(name: string): Promise<string> {
  const { url, init } = signedRequest(emulator, name, { userId: USER, withIdentities: 'true' });
  return (await fetch(url, init)).text();
}

const ODD_ROWS = [
  { identityId: 7, extIdpId: SOURCE, type: null, userIdInIdp: 12345, userInfoInIdp: null, originConnIds: '["c"]' },
  { identityId: 'only an id' },
  { extIdpId: SOURCE, type: 'openid', provider: ['list'], userInfoInIdp: '{"login":"x"}', originConnIds: {} },
  null,
  'text',
  { extIdpId: { object: true }, type: 5 },
];

describe('raw rows', () => {
  test('are returned exactly as a seed has them, by every read', async () => {
    await startWith({ rawIdentities: ODD_ROWS });
    emulator.switches.identityTokens = 'absent';
    emulator.switches.userInfoInIdp = 'absent';
    expect(await identities()).toEqual(ODD_ROWS);
    expect((await user())['identities']).toEqual(ODD_ROWS);
    const [inBatch] = await dataOf<object[]>(emulator, 'get-user-batch', { userIds: [USER], withIdentities: 'true' });
    expect(inBatch).toMatchObject({ identities: ODD_ROWS });
  });

  test('are unlinked by source and type, where a row without a type is generic', async () => {
    await startWith({ rawIdentities: ODD_ROWS });
    await unlink({ type: 'generic' });
    expect(await identities()).toEqual(ODD_ROWS.slice(1));
    await unlink({});
    expect(await identities()).toEqual([ODD_ROWS[1], null, 'text', ODD_ROWS[5]]);
    expect(emulator.store.executions).toMatchObject([{ removed: 1 }, { removed: 1 }]);
  });

  test('are found by a reverse look-up, whose numbers are digits', async () => {
    await startWith({ rawIdentities: ODD_ROWS });
    const found = await dataOf(emulator, 'get-user', { userId: `${SOURCE}:12345`, userIdType: 'identity' });
    expect(found).toMatchObject({ userId: USER });
  });

  test('keep the digits of numbers beyond 2^53', async () => {
    const digits = '123456789012345678901234567890';
    await startWith({
      rawIdentities: [
        { extIdpId: SOURCE, userIdInIdp: rawJson(digits), userInfoInIdp: { n: rawJson('1.10'), s: '"' } },
      ],
      rawMembers: { loginsCount: rawJson('9007199254740993') },
    });
    for (const name of ['get-user', 'get-user-identities']) {
      expect(await bodyText(name)).toContain(
        `{"extIdpId":"${SOURCE}","userIdInIdp":${digits},"userInfoInIdp":{"n":1.10,"s":"\\""}}`,
      );
    }
    expect(await bodyText('get-user')).toContain('"loginsCount":9007199254740993');
    const found = await dataOf(emulator, 'get-user', { userId: `${SOURCE}:${digits}`, userIdType: 'identity' });
    expect(found).toMatchObject({ userId: USER });
  });

  test('keep such numbers when they come from a file', async () => {
    const text = `{"extIdps":[],"users":[{"id":"${USER}","rawIdentities":[{"a":1234567890123456789,"b":"1234567890123456789","c":-1.50e2,"d":[1,2.5]}]}]}`;
    emulator = await startEmulator({ seed: readSeed(parseJson(text)) });
    expect(await bodyText('get-user-identities')).toContain(
      '[{"a":1234567890123456789,"b":"1234567890123456789","c":-1.50e2,"d":[1,2.5]}]',
    );
  });

  test('cannot be text that is not JSON', async () => {
    await startWith({});
    expect(() => rawJson('{')).toThrow(RangeError);
    expect(() => parseJson('{')).toThrow(SyntaxError);
  });
});

describe('the member identities', () => {
  const row = { extIdpId: SOURCE, userIdInIdp: 'x' };

  test.each([
    ['object', { userIdInIdp: 'x', type: 'generic' }],
    ['text', expect.stringMatching(/^\[\{"identityId":.*"userIdInIdp":"x".*\}\]$/)],
    ['null', null],
    ['list', [{ userIdInIdp: 'x', type: 'generic' }]],
  ] as const)('is written as %s where the seed says so', async (identitiesAs, expected) => {
    await startWith({ identities: [row], identitiesAs });
    expect(await user()).toMatchObject({ identities: expected });
    expect({ data: await identities() }).toMatchObject({ data: expected });
    expect(emulator.store.identitiesOf(USER)).toHaveLength(1);
    await unlink({});
    expect(emulator.store.identitiesOf(USER)).toEqual([]);
  });

  test('is missing where the seed says so, although the user has identities', async () => {
    await startWith({ identities: [row], identitiesAs: 'absent' });
    expect(await user()).not.toHaveProperty('identities');
    expect((await call(emulator, 'get-user-identities', { userId: USER })).body).not.toHaveProperty('data');
    expect(emulator.store.identitiesOf(USER)).toHaveLength(1);
  });

  test('has profiles and connections as texts when the switches say so', async () => {
    await startWith({ identities: [{ ...row, userInfoInIdp: { login: 'x' } }] });
    emulator.switches.userInfoInIdp = 'text';
    emulator.switches.originConnIds = 'text';
    expect(await identities()).toMatchObject([
      { userInfoInIdp: '{"login":"x"}', originConnIds: expect.stringMatching(/^\["[0-9a-f]{24}"\]$/) as unknown },
    ]);
  });

  test('can be large', async () => {
    await startWith({ identities: [{ ...row, userInfoInIdp: { login: 'x' }, photoKiB: 100 }] });
    const [large] = (await identities()) as { userInfoInIdp: { login: string; photo: string } }[];
    expect(large?.userInfoInIdp.login).toBe('x');
    expect(large?.userInfoInIdp.photo).toMatch(/^data:image\/jpeg;base64,A+$/);
    expect(large?.userInfoInIdp.photo.length).toBeGreaterThan(100 * 1024);
  });

  test('has rows of deleted sources', async () => {
    await startWith({ identities: [row, { extIdpId: 'c'.repeat(24), provider: 'saml', userIdInIdp: 'y' }] });
    expect(await identities()).toMatchObject([
      { provider: 'oidc' },
      { extIdpId: 'c'.repeat(24), provider: 'saml', originConnIds: [] },
    ]);
    expect(emulator.store.deleteExtIdp(SOURCE)).toBe(true);
    expect(await identities()).toMatchObject([{ extIdpId: SOURCE, provider: 'oidc' }, { provider: 'saml' }]);
    await unlink({});
    expect(await identities()).toMatchObject([{ provider: 'saml' }]);
  });
});

describe('a user', () => {
  test('has the status and the verified addresses of the seed', async () => {
    await startWith({ email: 'A@example.com', emailVerified: false, phone: '13800000000', status: 'Archived' });
    expect(await user()).toMatchObject({
      email: 'a@example.com',
      emailVerified: false,
      phoneVerified: true,
      status: 'Archived',
    });
  });

  test('has members exactly as the seed gives them', async () => {
    await startWith({ name: 'x', rawMembers: { status: 'Unheard-of', name: 7, emailVerified: 'true', more: null } });
    expect(await user()).toMatchObject({ status: 'Unheard-of', name: 7, emailVerified: 'true', more: null });
    emulator.switches.noValue = 'absent';
    expect(await user()).toMatchObject({ more: null });
    const { body } = await call(emulator, 'get-user', { userId: USER });
    expect(body.statusCode).toBe(200);
  });
});
