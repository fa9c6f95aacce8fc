import {
  BUILT_IN_APPLICATIONS,
  BUILT_IN_EXT_IDPS,
  WECHAT,
  GITHUB,
  GOOGLE,
  LARK,
  AZURE,
  LDAP,
  SAML,
  DELETED_SAML,
  WEB,
  MOBILE,
} from './builtInSources';
import type { Seed } from './seed';

/** A small pool of users as real pools have them, with the same ids at every start. */
export const BUILT_IN_SEED: Seed = {
  extIdps: BUILT_IN_EXT_IDPS,
  applications: BUILT_IN_APPLICATIONS,
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
      signedInApps: [WEB, MOBILE],
      identities: [
        {
          id: '62299d8b866d2dab79a89d01',
          extIdpId: WECHAT,
          type: 'openid',
          userIdInIdp: 'oH_5k5SflrwjGvk7wqpoBKq_cc6M',
          // GenAuth's samples show credentials of the provider on the row; providers put them into profiles as well.
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
      signedInApps: [WEB],
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
      // Nothing linked, but a password.
      id: '6229ffa1c05e6bfcade3e3d4',
      name: '王芳',
      username: 'wangfang',
      email: 'wangfang@example.com',
      hasPassword: true,
    },
    {
      // One identity and no password, but a verified e-mail address.
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
        {
          id: '62299d8b866d2dab79a89d0e',
          extIdpId: AZURE,
          userIdInIdp: '8a3f5c1e-0000-4000-8000-000000000043',
          userInfoInIdp: { oid: '8a3f5c1e-0000-4000-8000-000000000043', upn: 'linus@partner.example' },
        },
        {
          id: '62299d8b866d2dab79a89d0f',
          extIdpId: GITHUB,
          userIdInIdp: '1024008',
          userInfoInIdp: { login: 'linus-s', id: 1024008 },
        },
      ],
    },
    {
      // Imported, never signed in: nothing to sign in with, nothing linked.
      id: '6229ffa1c05e6bfcade3e3d9',
      externalId: 'HR-00099',
    },
    {
      // The last way to sign in: one identity, no password, nothing verified.
      id: '6229ffa1c05e6bfcade3e3da',
      name: 'Noor Haddad',
      signedInApps: [WEB],
      identities: [
        {
          id: '62299d8b866d2dab79a89d10',
          extIdpId: GITHUB,
          userIdInIdp: '1024010',
          userInfoInIdp: { login: 'noor', id: 1024010 },
        },
      ],
    },
    {
      // Two rows of one source, no password, nothing verified: unlinking the source locks the user out, one row does not.
      id: '6229ffa1c05e6bfcade3e3db',
      name: '林美',
      signedInApps: [MOBILE],
      identities: [
        {
          id: '62299d8b866d2dab79a89d11',
          extIdpId: WECHAT,
          type: 'openid',
          userIdInIdp: 'oH_5k5Linmei_made-up_cc6P',
          userInfoInIdp: { openid: 'oH_5k5Linmei_made-up_cc6P', nickname: '美美' },
        },
        {
          id: '62299d8b866d2dab79a89d12',
          extIdpId: WECHAT,
          type: 'unionid',
          userIdInIdp: 'o9Nka5Linmei_made-up_yJg1',
        },
      ],
    },
    {
      // A source that was deleted, and addresses that were never verified.
      id: '6229ffa1c05e6bfcade3e3dc',
      name: 'Olga Ivanova',
      username: 'olga',
      email: 'olga@former-partner.example',
      emailVerified: false,
      phone: '13800000012',
      phoneVerified: false,
      identities: [
        {
          id: '62299d8b866d2dab79a89d13',
          extIdpId: DELETED_SAML,
          provider: 'saml',
          userIdInIdp: 'olga@former-partner.example',
          originConnIds: ['62f2093244fa5cb19ff21eda'],
        },
        {
          id: '62299d8b866d2dab79a89d14',
          extIdpId: GOOGLE,
          userIdInIdp: '107000000000000000012',
          userInfoInIdp: { sub: '107000000000000000012', email: 'olga@former-partner.example' },
        },
      ],
    },
    {
      id: '6229ffa1c05e6bfcade3e3dd',
      name: 'Samuel Okafor',
      username: 'sokafor',
      email: 'sam@example.com',
      status: 'Suspended',
      hasPassword: true,
      identities: [
        {
          id: '62299d8b866d2dab79a89d15',
          extIdpId: GITHUB,
          userIdInIdp: '1024013',
          userInfoInIdp: { login: 'sokafor', id: 1024013 },
        },
      ],
    },
  ],
};
