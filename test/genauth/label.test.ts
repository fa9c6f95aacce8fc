import fc from 'fast-check';
import { labelOf } from '../../src/genauth';
import { readRows } from '../support/identities';

describe('the label of an identity', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['wechat', { openid: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M', nickname: '三儿', city: '北京' }, '三儿'],
    ['wechat:pc', { nickname: ' 三儿 😀 ' }, '三儿 😀'],
    ['qq', { ret: 0, nickname: 'Lin', figureurl_qq_1: 'https://q.example.com/1' }, 'Lin'],
    ['alipay', { user_id: '2088102104794936', nick_name: '小明' }, '小明'],
    ['baidu', { openid: 'x', username: 'l***n' }, 'l***n'],
    ['github', { id: 1024001, login: 'zhangsan', name: 'Zhang San', email: 'z@example.com' }, 'zhangsan'],
    ['gitee', { id: 7, login: 'lisi', name: '李四' }, 'lisi'],
    ['gitlab', { id: 7, username: 'ada', name: 'Ada Lovelace' }, 'ada'],
    ['gitlab', { sub: '7', nickname: 'ada', name: 'Ada Lovelace' }, 'ada'],
    ['weibo', { idstr: '1404376560', screen_name: 'zaku', name: 'Zaku II' }, 'zaku'],
    ['twitter', { id_str: '1', screen_name: 'ada', name: 'Ada' }, 'ada'],
    ['google', { sub: '107000000000000000002', name: 'Ada', email: 'ada@example.com' }, 'ada@example.com'],
    ['google', { id: '107', displayName: 'Ada', emails: [{ value: 'ada@example.com' }] }, 'ada@example.com'],
    ['google', { sub: '107', name: 'Ada Lovelace' }, 'Ada Lovelace'],
    ['apple', { sub: '001.abc', email: 'ada@example.com' }, 'ada@example.com'],
    [
      'apple',
      { email: 'a1b2c3@privaterelay.appleid.com', name: { firstName: 'Ada', lastName: 'Lovelace' } },
      'Ada Lovelace',
    ],
    ['azure-ad', { oid: '8a3f5c1e-0000-4000-8000-000000000042', upn: 'jose@example.com' }, 'jose@example.com'],
    ['azure-ad', { mail: null, userPrincipalName: 'jose@example.com', displayName: 'José' }, 'jose@example.com'],
    ['oidc', { sub: 'x', preferred_username: 'ada', name: 'Ada Lovelace' }, 'ada'],
    ['oidc', { sub: 'x', preferred_username: 'auth0|5f7c8ec7c33c6c004bbafe82', name: 'Ada' }, 'Ada'],
    ['lark', { open_id: 'ou_8bae746eac07cd2564654140d2a9ac61', name: '李四', en_name: 'Li Si' }, '李四'],
    ['lark', { code: 0, data: { name: '李四', en_name: 'Li Si' } }, '李四'],
    ['dingtalk', { nick: '王芳', unionId: 'z21HjQliSzpw0Yxxxxx', openId: 'x' }, '王芳'],
    ['wechatwork', { errcode: 0, userid: 'wangfang', name: '王芳' }, '王芳'],
    ['saml', { displayName: ['Linus Sørensen'], mail: ['linus@partner.example'] }, 'Linus Sørensen'],
    ['saml', { nameID: 'linus@partner.example', groups: ['partners'] }, 'linus@partner.example'],
    [
      'saml',
      {
        'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier': 'x',
        'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress': ['linus@partner.example'],
      },
      'linus@partner.example',
    ],
    ['saml', { 'urn:oid:0.9.2342.19200300.100.1.3': ['l@partner.example'], 'urn:oid:2.5.4.3': ['Linus'] }, 'Linus'],
    ['ldap', { cn: 'José Álvarez', departmentNumber: ['42'] }, 'José Álvarez'],
    ['ldap', { uid: ['jalvarez'], mail: [] }, 'jalvarez'],
    ['ad', { objectGUID: '8a3f5c1e-0000-4000-8000-000000000042', sAMAccountName: 'jalvarez' }, 'jalvarez'],
    ['cas', { user: 'jalvarez', attributes: { mail: 'jose@example.com' } }, 'jose@example.com'],
    ['a-new-provider', { nickname: 'Lin', email: 'lin@example.com' }, 'Lin'],
    ['a-new-provider', { id: '1', email: 'lin@example.com' }, 'lin@example.com'],
    ['a-new-provider', { id: '1', user: { name: 'Lin' } }, 'Lin'],
  ])('of %s with the profile %j is %s', (provider, userInfoInIdp, label) => {
    expect(labelOf({ provider, userIdInIdp: 'x', userInfoInIdp })).toBe(label);
  });

  test.each<[string, Record<string, unknown>]>([
    ['there is no name', { openid: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M', city: '北京' }],
    ['names are empty', { nickname: ' ', name: '', displayName: null }],
    ['names are of other kinds', { nickname: 7, name: true, displayName: [[['x']]], email: {} }],
    ['a name is the id at the provider', { nickname: '107000000000000000002' }],
    ['a name is a UUID', { nickname: '8a3f5c1e-0000-4000-8000-000000000042' }],
    ['a name is a random text', { nickname: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M' }],
    ['a name is a hexadecimal id', { nickname: '62299d8b866d2dab79a89d01' }],
    ['a name is an address that Apple has made', { nickname: 'a1b2c3@privaterelay.appleid.com' }],
    ['a name is very long', { nickname: 'x'.repeat(201) }],
    ['a name has control characters', { nickname: 'a\u0000b' }],
    ['only an own property of the language has that name', { __proto__: null, constructor: 'x', toString: 'y' }],
  ])('is null if %s', (_title, userInfoInIdp) => {
    expect(labelOf({ provider: 'wechat', userIdInIdp: '107000000000000000002', userInfoInIdp })).toBeNull();
  });

  test('is null without a profile, and without a provider any name counts', () => {
    expect(labelOf({ provider: 'wechat', userIdInIdp: 'x', userInfoInIdp: null })).toBeNull();
    expect(labelOf({ provider: null, userIdInIdp: null, userInfoInIdp: { login: 'ada' } })).toBe('ada');
  });

  test('of a SAML account is never a name identifier that is a random text', () => {
    const userInfoInIdp = { nameID: '_5d2cf1a0' };
    expect(labelOf({ provider: 'saml', userIdInIdp: '_5d2cf1a0', userInfoInIdp })).toBeNull();
  });

  test('is the same when it is read from the bytes of a response', () => {
    const PROVIDERS = ['github', 'wechat:pc', 'saml', 'oidc', 'Lark', 'a-new-provider', null];
    const KEYS = [
      ...[
        'name',
        'login',
        'nickname',
        'nick_name',
        'NickName',
        'email',
        'emails',
        'displayName',
        'cn',
        'nameID',
        'mail',
      ],
      ...[
        'data',
        'user',
        'id',
        'access_token',
        'https://example.com/access_token/name',
        'urn:oid:2.5.4.3',
        'ключ',
        '1',
      ],
      ...['__proto__', 'constructor', 'x'.repeat(100), String.raw`n\u0061me`],
    ];
    const name = fc.constantFrom(
      ...['三儿', 'ada', ' ada ', '', 'ada@example.com', '7', '107000000000000000002', 'a\u0000b', 'say "hi" \\ 😀'],
      ...[
        'x'.repeat(201),
        '8a3f5c1e-0000-4000-8000-000000000042',
        '62299d8b866d2dab79a89d01',
        'sk-1234567890123456789012',
      ],
      ...[
        'https://example.com/?access_token=abc',
        '{"login":"ada"}',
        'Bearer abcdefgh12345678',
        'eyJhbGciOi.eyJzdWIiOj.x',
      ],
    );
    const value = fc.oneof(
      { weight: 4, arbitrary: name },
      fc.constantFrom(null, true, 7, 1e300),
      fc.array(name, { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('value', 'formatted', 'givenName', 'name', 'login'), name, { maxKeys: 3 }),
    );
    const members = fc.array(fc.tuple(fc.constantFrom(...KEYS), value), { maxLength: 5 });
    const found = { labels: 0, nulls: 0 };
    fc.assert(
      fc.property(
        members,
        fc.constantFrom(...PROVIDERS),
        fc.constantFrom('107000000000000000002', null),
        (parts, provider, id) => {
          // As text, because keys may be repeated and escaped.
          const profile = `{${parts.map(([key, each]) => `"${key}" :${JSON.stringify(each)}`).join()}}`;
          const row = JSON.stringify({ identityId: 'i', type: 'generic', provider, userIdInIdp: id });
          const list = readRows(`[${row.slice(0, -1)},"userInfoInIdp":${profile}}]`);
          const [identity] = list?.toArray() ?? [];
          const label = identity && labelOf(identity);
          expect(list?.label(0)).toBe(label);
          found[label === null ? 'nulls' : 'labels'] += 1;
        },
      ),
      { numRuns: 2_000 },
    );
    expect(Math.min(found.labels, found.nulls)).toBeGreaterThan(200);
  });
});
