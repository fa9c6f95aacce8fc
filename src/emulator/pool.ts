import type { Seed, SeedUser } from './seed';

const WECHAT = '62f20932716fbcc10d966ee5';
const GITHUB = '62f20932716fbcc10d966ee6';
const GOOGLE = '62f20932716fbcc10d966ee7';
const LARK = '62f20932716fbcc10d966ee8';
const AZURE = '62f20932716fbcc10d966ee9';
const LDAP = '62f20932716fbcc10d966eea';
const SAML = '62f20932716fbcc10d966eeb';

/** A pool to try things with: users as there are in practice, with the oddities of the real rows. */
export const BUILT_IN_SEED: Seed = {
  extIdps: [
    {
      id: WECHAT,
      name: '微信',
      type: 'wechat',
      connections: [
        { id: '62f2093244fa5cb19ff21ed3', identifier: 'my-wechat', type: 'wechat:pc', displayName: '微信扫码' },
      ],
    },
    {
      id: GITHUB,
      name: 'GitHub',
      type: 'github',
      connections: [{ id: '62f2093244fa5cb19ff21ed4', identifier: 'my-github' }],
    },
    {
      id: GOOGLE,
      name: 'Google',
      type: 'google',
      connections: [{ id: '62f2093244fa5cb19ff21ed5', identifier: 'my-google' }],
    },
    {
      id: LARK,
      name: '飞书',
      type: 'lark',
      connections: [{ id: '62f2093244fa5cb19ff21ed6', identifier: 'my-lark', type: 'lark-internal' }],
    },
    {
      id: AZURE,
      name: 'Azure AD',
      type: 'azure-ad',
      connections: [{ id: '62f2093244fa5cb19ff21ed7', identifier: 'my-azure' }],
    },
    {
      id: LDAP,
      name: 'Headquarters directory',
      type: 'ldap',
      connections: [{ id: '62f2093244fa5cb19ff21ed8', identifier: 'hq-ldap' }],
    },
    {
      id: SAML,
      name: 'Partner SAML',
      type: 'saml',
      connections: [{ id: '62f2093244fa5cb19ff21ed9', identifier: 'partner-saml' }],
    },
  ],
  users: [
    {
      id: '6229ffa1c05e6bfcade3e3d1',
      name: '张三',
      nickname: '三儿',
      username: 'zhangsan',
      email: 'zhangsan@example.com',
      phone: '13800000001',
      hasPassword: true,
      customData: { school: 'Peking University', age: 22 },
      identities: [
        {
          id: '62299d8b866d2dab79a89d01',
          extIdpId: WECHAT,
          type: 'openid',
          userIdInIdp: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M',
          // As the service has been seen to keep them: credentials of the provider, on the row and in the profile.
          accessToken: '57_made-up-access-token',
          refreshToken: '57_made-up-refresh-token',
          userInfoInIdp: {
            openid: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M',
            nickname: '三儿',
            city: '北京',
            accessToken: '57_made-up-access-token',
            refreshToken: '57_made-up-refresh-token',
          },
        },
        {
          id: '62299d8b866d2dab79a89d02',
          extIdpId: WECHAT,
          type: 'unionid',
          userIdInIdp: 'o9Nka5ibU-lUGQaeAHqu0nOZyJg0',
        },
        {
          id: '62299d8b866d2dab79a89d03',
          extIdpId: GITHUB,
          userIdInIdp: '1024001',
          userInfoInIdp: { login: 'zhangsan', id: 1024001, avatar_url: 'https://avatars.example.com/u/1024001' },
        },
      ],
    },
    {
      id: '6229ffa1c05e6bfcade3e3d2',
      name: 'Ada Lovelace',
      username: 'ada',
      email: 'ada@example.com',
      hasPassword: true,
      identities: [
        {
          id: '62299d8b866d2dab79a89d04',
          extIdpId: GITHUB,
          userIdInIdp: '1024002',
          userInfoInIdp: { login: 'ada', oauth: { access_token: 'gho_made-up', scope: 'read:user' } },
        },
        {
          id: '62299d8b866d2dab79a89d05',
          extIdpId: GOOGLE,
          userIdInIdp: '107000000000000000002',
          userInfoInIdp: { sub: '107000000000000000002', email: 'ada@example.com', email_verified: true },
        },
      ],
    },
    {
      id: '6229ffa1c05e6bfcade3e3d3',
      name: '李四',
      username: 'lisi',
      phone: '13800000003',
      identities: [
        {
          id: '62299d8b866d2dab79a89d06',
          extIdpId: LARK,
          type: 'open_id',
          userIdInIdp: 'ou_8bae746eac07cd2564654140d2a9ac61',
        },
        {
          id: '62299d8b866d2dab79a89d07',
          extIdpId: LARK,
          type: 'union_id',
          userIdInIdp: 'on_093ce5023288856aa0abe4099123b18b',
        },
        { id: '62299d8b866d2dab79a89d08', extIdpId: LARK, type: 'user_id', userIdInIdp: '23ded785' },
      ],
    },
    {
      // Nothing linked, and a password: nobody's last way in.
      id: '6229ffa1c05e6bfcade3e3d4',
      name: '王芳',
      username: 'wangfang',
      email: 'wangfang@example.com',
      hasPassword: true,
    },
    {
      // One identity and no password: unlinking it locks the user out.
      id: '6229ffa1c05e6bfcade3e3d5',
      name: 'Grace Hopper',
      email: 'grace@example.com',
      identities: [
        {
          id: '62299d8b866d2dab79a89d09',
          extIdpId: GOOGLE,
          userIdInIdp: '107000000000000000005',
          userInfoInIdp: { sub: '107000000000000000005', email: 'grace@example.com' },
        },
      ],
    },
    {
      id: '6229ffa1c05e6bfcade3e3d6',
      name: 'José Álvarez',
      username: 'jalvarez',
      email: 'jose@example.com',
      externalId: 'HR-00042',
      identities: [
        {
          id: '62299d8b866d2dab79a89d0a',
          extIdpId: LDAP,
          type: 'primary',
          userIdInIdp: 'uid=jalvarez,ou=people,dc=example,dc=com',
          userInfoInIdp: { cn: 'José Álvarez', departmentNumber: ['42'] },
        },
        {
          id: '62299d8b866d2dab79a89d0b',
          extIdpId: AZURE,
          userIdInIdp: '8a3f5c1e-0000-4000-8000-000000000042',
          userInfoInIdp: { oid: '8a3f5c1e-0000-4000-8000-000000000042', upn: 'jose@example.com' },
        },
      ],
    },
    {
      id: '6229ffa1c05e6bfcade3e3d7',
      name: '陈小明',
      phone: '13800000007',
      identities: [
        {
          id: '62299d8b866d2dab79a89d0c',
          extIdpId: WECHAT,
          type: 'openid',
          userIdInIdp: 'oH_5k5Xiaoming_made-up_cc6N',
        },
      ],
    },
    {
      id: '6229ffa1c05e6bfcade3e3d8',
      name: 'Linus Sørensen',
      username: 'linus',
      email: 'linus@partner.example',
      hasPassword: true,
      identities: [
        {
          id: '62299d8b866d2dab79a89d0d',
          extIdpId: SAML,
          userIdInIdp: 'linus@partner.example',
          userInfoInIdp: { nameID: 'linus@partner.example', groups: ['partners'] },
        },
        { id: '62299d8b866d2dab79a89d0e', extIdpId: AZURE, userIdInIdp: '8a3f5c1e-0000-4000-8000-000000000043' },
        { id: '62299d8b866d2dab79a89d0f', extIdpId: GITHUB, userIdInIdp: '1024008' },
      ],
    },
    {
      // Imported and never seen since: no name to sign in with, nothing linked.
      id: '6229ffa1c05e6bfcade3e3d9',
      externalId: 'HR-00099',
    },
  ],
};

const PROVIDERS = ['wechat', 'github', 'google', 'lark', 'azure-ad', 'ldap', 'saml'];

/**
 * Makes a pool of any size, with the same ids every time. Each user has one identity under each of the sources.
 *
 * @param size.identitiesPerUser As many sources are made.
 */
export function createPool(size: { users: number; identitiesPerUser: number }): Seed {
  const extIdps = Array.from({ length: size.identitiesPerUser }, (_, source) => {
    const type = PROVIDERS[source % PROVIDERS.length] ?? 'oidc';
    return {
      id: hexId('e', source),
      name: `${type} ${source}`,
      type,
      connections: [{ id: hexId('c', source), identifier: `c${source}` }],
    };
  });
  const users = Array.from({ length: size.users }, (_, user): SeedUser => ({
    id: hexId('a', user),
    username: `user${user}`,
    identities: extIdps.map(({ id }, source) => ({
      id: hexId('b', user * size.identitiesPerUser + source),
      extIdpId: id,
      userIdInIdp: `user${user}`,
      userInfoInIdp: { sub: `user${user}`, name: `User ${user}` },
    })),
  }));
  return { extIdps, users };
}

/** 24 hexadecimal digits: a kind and a number. */
function hexId(kind: string, number: number): string {
  return kind + number.toString(16).padStart(23, '0');
}
