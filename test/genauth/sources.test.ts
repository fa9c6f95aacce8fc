import { readAppIds, readApplicationSignIn, readSources } from '../../src/genauth/sources';

const WECHAT = { id: 's1', name: 'WeChat', type: 'wechat', logo: 'https://files.example/wechat.svg' };

describe('the list of identity sources', () => {
  test.each<[string, unknown, unknown]>([
    ['a list', [WECHAT], [{ id: 's1', name: 'WeChat', provider: 'wechat', logo: WECHAT.logo }]],
    ['one object', WECHAT, [{ id: 's1', name: 'WeChat', provider: 'wechat', logo: WECHAT.logo }]],
    [
      'a text that contains a list',
      JSON.stringify([WECHAT]),
      [{ id: 's1', name: 'WeChat', provider: 'wechat', logo: WECHAT.logo }],
    ],
    ['an empty list', [], []],
    [
      'a source without logo and name',
      [{ id: 's1', type: 'wechat' }],
      [{ id: 's1', name: 'wechat', provider: 'wechat', logo: null }],
    ],
    [
      'odd entries among others',
      [null, 1, {}, { id: 5 }, WECHAT],
      [{ id: 's1', name: 'WeChat', provider: 'wechat', logo: WECHAT.logo }],
    ],
  ])('is read from %s', (_form, list, sources) => {
    expect(readSources({ totalCount: 1, list })).toEqual(sources);
  });

  test.each([[null], [undefined], [[]], ['x'], [{}], [{ list: null }], [{ list: 'x' }], [{ list: '{}' }]])(
    'cannot be read from %j',
    (data) => {
      expect(readSources(data)).toBeNull();
    },
  );
});

describe('the sign-in methods of an application', () => {
  const CONNECTION = { extIdpId: 's1', extIdpConnId: 'c1' };

  test.each<[string, unknown, string[], string[]]>([
    ['objects', [CONNECTION, { extIdpId: 's2', enabled: true }], ['s1', 'c1', 's2'], []],
    ['objects of which one is disabled', [CONNECTION, { extIdpId: 's2', enabled: false }], ['s1', 'c1'], []],
    ['an object without its source', [CONNECTION, { extIdpConnId: 'c2' }], ['s1', 'c1', 'c2'], ['c2']],
    ['ids', ['s1', 'c2'], ['s1', 'c2'], ['s1', 'c2']],
    ['a text that contains a list', '["s1"]', ['s1'], ['s1']],
    ['one object', CONNECTION, ['s1', 'c1'], []],
    ['odd entries among others', [null, 5, {}, 's1'], ['s1'], ['s1']],
  ])('are read from %s', (_form, enabledExtIdpConns, enabled, bareIds) => {
    const loginConfig = { enabledExtIdpConns, enabledBasicLoginMethods: ['EMAIL_CODE', 5] };
    expect(readApplicationSignIn({ loginConfig })).toEqual({ enabled, bareIds, loginMethods: ['EMAIL_CODE'] });
  });

  test.each([[null], [{}], [{ loginConfig: {} }], [{ loginConfig: { enabledExtIdpConns: [] } }]])(
    'cannot be read from %j',
    (data) => {
      expect(readApplicationSignIn(data)).toBeNull();
    },
  );
});

describe('the applications that a user is signed in to', () => {
  test('are read once each', () => {
    expect(readAppIds([{ appId: 'a1' }, { appId: 'a2', appName: 'Shop' }, { appId: 'a1' }])).toEqual(['a1', 'a2']);
    expect(readAppIds([])).toEqual([]);
  });

  // An application that is left out would look like one that the user is signed out of.
  test.each([
    [null],
    [{}],
    [{ appId: 'a1' }],
    ['["a1"]'],
    [[{ appId: 'a1' }, {}]],
    [[{ appId: 5 }]],
    [[null]],
    [['a1']],
  ])('cannot be read from %j', (data) => {
    expect(readAppIds(data)).toBeNull();
  });
});
