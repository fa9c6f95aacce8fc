import fc from 'fast-check';
import { withoutCredentials } from '../../src/genauth/credentials';
import { type JSONObject, parseJson } from '../../src/json';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl';

function cleaned(profile: unknown): string {
  return JSON.stringify(withoutCredentials(profile as JSONObject));
}

describe('credentials are removed', () => {
  test.each([
    ...[
      'access_token',
      'accessToken',
      'ACCESS-TOKEN',
      'oauth2.token',
      'access%5Ftoken',
      'ｔｏｋｅｎ',
      'token2',
      'id_token_hint',
    ],
    ...['client_secret', 'appsecret', 'userPassword', 'unicodePwd', 'dBCSPwd', 'ntPwdHistory', 'sambaNTPassword'],
    ...['ms-Mcs-AdmPwd', 'msDS-ManagedPassword', 'supplementalCredentials', 'userPKCS12', 'krbPrincipalKey', 'keytab'],
    ...['SAMLResponse', 'saml:Assertion', 'SessionIndex', 'session_key', 'encryptedData', 'js_code', 'jsapi_ticket'],
    ...[
      'Set-Cookie',
      'JSESSIONID',
      'PHPSESSID',
      'apiKey',
      'private-key',
      'recoveryCodes',
      'totp',
      'passwordHash',
      '密码',
    ],
  ])('under the name %j', (name) => {
    expect(cleaned({ [name]: 'hunter2-hunter2', nickname: 'Li' })).toBe('{"nickname":"Li"}');
    expect(cleaned({ a: [{ [name]: { deep: ['hunter2-hunter2'] } }] })).toBe('{"a":[{}]}');
  });

  test.each<[string, unknown]>([
    ['a name and a value', { attributes: [{ name: 'access_token', value: 'hunter2' }] }],
    ['a key and a value', { attributes: [{ Key: 'userPassword', Value: ['hunter2'] }] }],
    ['an LDAP attribute', { attributes: [{ type: 'userPassword', vals: ['hunter2'] }] }],
    ['a SAML attribute', { attributes: [{ $: { Name: 'urn:oid:x/sessionKey' }, AttributeValue: ['hunter2'] }] }],
    ['a list of two', { attributes: [['refresh_token', 'hunter2']] }],
    ['a name and a list', { attributes: [['userPassword', ['hunter2']]] }],
    ['a credential of Keycloak', { attributes: [{ type: 'password', value: 'hunter2' }] }],
    ['a private JSON Web Key', { attributes: [{ kty: 'oct', k: 'hunter2' }] }],
  ])('in a pair that is %s', (_form, profile) => {
    expect(cleaned(profile)).toBe('{"attributes":[]}');
  });

  test.each([
    ['{"access_token":"hunter2","openid":"o1"}', '{"openid":"o1"}'],
    ['[{"name":"token","value":"hunter2"},{"a":1}]', '[{"a":1}]'],
    ['{"inner":"{\\"password\\":\\"hunter2\\"}"}', '{"inner":"{}"}'],
    ['https://a.example/cb?access_token=hunter2&lang=en#id_token=hunter2', 'https://a.example/cb?&lang=en#'],
    ['https://a.example/cb?code=hunter2&lang=en', 'https://a.example/cb?&lang=en'],
    ['https://li:hunter2@a.example/photo', 'https://a.example/photo'],
    ['/cb?access%5Ftoken=hunter2', '/cb?'],
    ['access_token=hunter2&openid=o1', '&openid=o1'],
    ['lang=en; sessionid=hunter2; path=/', 'lang=en; ; path=/'],
    ['pwd=1', ''],
    ['https://hunter2@a.example/repository', 'https://a.example/repository'],
    ['{access_token=hunter2, openid=o1}', ', openid=o1}'],
  ])('inside the text %j', (text, rest) => {
    expect(cleaned({ raw: text })).toBe(JSON.stringify({ raw: rest }));
  });

  test.each([
    ['a JSON Web Token', JWT],
    ['a JSON Web Token among words', `signed in with ${JWT}`],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE'],
    ['a header', 'Authorization: Bearer abcdefgh12345678'],
    ['a GitHub token', `ghp_${'a1'.repeat(18)}`],
    ['a Google token', `ya29.${'a1'.repeat(20)}`],
    ['a Slack token', 'xoxb-123456789012-abcdef'],
    ['a WeChat token', `57_${'fK0x'.repeat(20)}`],
    ['a password hash', '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'],
    ['an LDAP password', '{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr'],
    ['a SAML assertion', '<saml2:Assertion ID="x">'],
  ])('if the value has the shape of %s, whatever its name', (_shape, value) => {
    expect(cleaned({ note: value, list: [value, 'kept'] })).toBe('{"list":["kept"]}');
  });
});

describe('a text is removed', () => {
  test.each([
    ['JSON that is cut off', '{"access_token":"hunter2","openid":"o1","nick'],
    ['JSON after other words', 'callback( {"access_token":"hunter2"} );'],
    ['a map of another language', `{'password': 'hunter2'}`],
    ['a hash of another language', '{"password"=>"hunter2"}'],
    ['XML', '<user><password>hunter2</password></user>'],
    ['a ticket of CAS', '<cas:proxyGrantingTicket>PGTIOU-1-x</cas:proxyGrantingTicket>'],
    ['percent-encoded JSON', encodeURIComponent('{"access_token":"hunter2"}')],
    ['a URL in a URL', `https://a.example/?next=${encodeURIComponent('https://b.example/?token=hunter2')}`],
    ['JSON in Base64', Buffer.from('{"access_token":"hunter2"}').toString('base64')],
    ['a header', 'Authorization: Basic bGk6eA=='],
    ['a ticket of Kerberos', `YII${'GzgY'.repeat(12)}`],
    [
      'the message of a failed call to WeChat',
      'Illegal character in query: https://api.weixin.qq.com/sns/jscode2session?js_code="x"&x=78_39Cluk4uNHTSZnzABRbQrhucnwdsmwag343eOQphAgHz',
    ],
  ])('if it is %s', (_form, text) => {
    expect(cleaned({ raw: text, nickname: 'Li' })).toBe('{"nickname":"Li"}');
  });

  test('if it is JSON in a text in a text in a text in a text', () => {
    expect(cleaned({ raw: nested(3) })).toBe(JSON.stringify({ raw: nested(3) }));
    expect(cleaned({ raw: nested(4) })).not.toContain('hidden');
  });

  function nested(levels: number): string {
    return levels === 0 ? 'hidden' : JSON.stringify({ a: nested(levels - 1) });
  }
});

describe('harmless members stay', () => {
  test.each<[string, unknown]>([
    ['secretary', 'CN=Li'],
    ['tokenGroups', ['S-1-5-32-545']],
    ['tokenGroupsGlobalAndUniversal', ['S-1-5-32-545']],
    ['passwordLastChanged', '2026-01-01T00:00:00Z'],
    ['pwdLastSet', '133000000000000000'],
    ['passwordExpirationDate', '2026-01-01'],
    ['publicKey', 'ssh-ed25519 AAAA'],
    ['avatar', 'https://img.example/a.png?size=64&v=2'],
    ['motto', '1 + 1 = 2; a=b'],
    ['json', '{"b": 1.50, "a": [ ]}'],
    ['list', '[not json'],
    ['labels', ['token', 'profile', 'email']],
    ['field', { type: 'token', size: 3 }],
    ['openid', 'oH_5k5SflrwjGvk7wqpoBKq_cc6M'],
    ['state', 'CA'],
    ['code', 'CN'],
    ['address', { state: 'California', code: '94105' }],
    ['place', 'https://maps.example/?state=CA&zoom=3'],
    ['bio', 'Basic photography, bearer of good news; "quotes": <b>bold</b>, 100% = all'],
    ['profile', 'https://blog.example/@li'],
    ['userCertificate', `MII${'Cdzz'.repeat(2_000)}`],
    ['photo', `data:image/jpeg;base64,/9j/${'4AAQ'.repeat(50_000)}=`],
    ['json', JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ c: 1 }) }) })],
  ])('%s', (name, value) => {
    expect(cleaned({ [name]: value })).toBe(JSON.stringify({ [name]: value }));
  });
});

describe('the time that a profile takes', () => {
  const MIB = 1_048_576;
  const of = (part: string, length: number): string => part.repeat(Math.ceil(length / part.length)).slice(0, length);

  /** Texts that are costly for one of the rules, of any length. */
  const HOSTILE: [string, (length: number) => string][] = [
    ['equals signs', (length) => of('=', length)],
    ['pairs', (length) => of('a=b&', length)],
    ['names without values', (length) => of(`${'a'.repeat(128)} `, length)],
    ['quotation marks', (length) => of('"', length)],
    ['spaces', (length) => of('"a"        ', length)],
    ['users of URLs', (length) => of(`://${':'.repeat(256)}`, length)],
    ['beginnings of tokens', (length) => of('eyJaaaaaaaa,', length)],
    ['beginnings of headers', (length) => of('Basic ', length)],
    ['beginnings of keys', (length) => of('-----BEGIN ', length)],
    ['elements', (length) => of('<a', length)],
    ['percent signs', (length) => of('%25', length)],
    ['brackets', (length) => of('[', length)],
    ['backslashes', (length) => of('\\"', length)],
    ['words', (length) => of('lorem ipsum ', length)],
  ];

  test.each(HOSTILE)('is proportional to its length when it holds %s', (_title, textOf) => {
    const cost = (length: number): number => {
      const { raw, runs } = { raw: textOf(length), runs: 5 };
      return Math.min(...Array.from({ length: runs }, () => cpuTime(() => cleaned({ raw }))));
    };
    cost(MIB / 16);
    // Four times the text takes four times as long; with a rule that is quadratic, sixteen times.
    expect(cost(MIB / 2)).toBeLessThan(10 * cost(MIB / 8) + 5_000);
  });

  test.each(HOSTILE)('is bounded when it holds %s: the profile is left out', (_title, textOf) => {
    expect(cleaned({ raw: textOf(1.1 * MIB), nickname: 'Li' })).toBe('null');
  });

  test('does not depend on the size of pictures', () => {
    const photo = `data:image/png;base64,${'iVBO'.repeat(MIB)}`;
    expect(cleaned({ photo, password: 'x' })).toBe(JSON.stringify({ photo }));
  });

  test.each<[string, unknown]>([
    ['members', Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`member${index}`, index]))],
    ['items', { list: Array.from({ length: 20_000 }, () => 1) }],
    ['names in a text', { raw: JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ [`m${index}`]: 1 }))) }],
  ])('is bounded when there are 20 000 %s: the profile is left out', (_title, profile) => {
    expect(cleaned(profile)).toBe('null');
  });

  function cpuTime(run: () => unknown): number {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return user + system;
  }
});

test('a secret is not found in the result, in whichever form it was put there', () => {
  const secret = 'hunter2-hunter2-hunter2';
  const name = fc.constantFrom('access_token', 'clientSecret', 'userPassword', 'SESSION_KEY', 'samlResponse');
  const hidden = fc.letrec<{ form: unknown }>((tie) => ({
    form: fc.oneof(
      { maxDepth: 5 },
      name.map((key) => ({ [key]: secret })),
      name.map((key) => [{ name: key, value: secret }]),
      name.map((key) => `https://a.example/?x=1&${key}=${secret}#y`),
      tie('form').map((form) => JSON.stringify(form)),
      tie('form').map((form) => ({ a: [form], b: 1 })),
    ),
  })).form;
  fc.assert(
    fc.property(hidden, (form) => !cleaned({ form }).includes(secret)),
    { numRuns: 1_000 },
  );
});

test('any profile is searched without an error, and what remains can be written', () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (profile) => typeof cleaned(profile) === 'string'));
});

describe('numbers in a profile', () => {
  test.each([
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['1e30', '1e30'],
    ['1e400', '1e400'],
    ['1.5e3', 1500],
    ['0.12345678901234567890', 0.12345678901234568],
    ['"9007199254740993"', '9007199254740993'],
    ['{"a\\"1":[12345678901234567890]}', { 'a"1': ['12345678901234567890'] }],
  ])('%s keep all their digits', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  test('are parsed as JSON.parse does where a double is exact', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\d{16}|\d[eE]/.test(text));
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});
