import type { Seed } from '../../src/emulator';
import { SUBJECT } from '../support/issuer';

export const WECHAT = '62f20932716fbcc10d966ee5';
export const GITHUB = '62f20932716fbcc10d966ee6';
export const UNUSED_SOURCE = '62f20932716fbcc10d966ee7';
export const APPLICATION = '6193c610f9117e7cb0491501';
export const userIdOf = (user: number): string => (user === 0 ? SUBJECT : `60194296801dc7bc2a1b28${user}0`);

/** Users with several identities under one source, with one, and with none. All ids are fixed, so that two pools are equal. */
export const SEED: Seed = {
  extIdps: [
    { id: WECHAT, name: '微信', type: 'wechat', connections: [{ id: '62f2093244fa5cb19ff21ed3', identifier: 'w' }] },
    { id: GITHUB, name: 'GitHub', type: 'github', connections: [{ id: '62f2093244fa5cb19ff21ed4', identifier: 'g' }] },
    {
      id: UNUSED_SOURCE,
      name: 'Lark',
      type: 'lark',
      connections: [{ id: '62f2093244fa5cb19ff21ed5', identifier: 'l' }],
    },
  ],
  applications: [
    { id: APPLICATION, name: 'Shop', basicLoginMethods: ['USERNAME_PASSWORD'], connections: ['w', 'g', 'l'] },
  ],
  users: Array.from({ length: 6 }, (_, user) => ({
    id: userIdOf(user),
    hasPassword: user % 3 === 0,
    identities: [
      {
        id: `62299d8b866d2dab79a89d${user}1`,
        extIdpId: WECHAT,
        type: 'openid',
        userIdInIdp: `o${user}"\\名😀`,
        userInfoInIdp: { nickname: '三儿\u2028"\\', accessToken: 'secret', list: [1, -0, null, { a: '😀' }] },
      },
      { id: `62299d8b866d2dab79a89d${user}2`, extIdpId: WECHAT, type: 'unionid', userIdInIdp: `u${user}` },
      { id: `62299d8b866d2dab79a89d${user}3`, extIdpId: GITHUB, userIdInIdp: `g${user}`, userInfoInIdp: {} },
      // The fifth has one, which only an administrator may unlink; the sixth has none.
    ].slice(user === 4 ? 2 : user === 5 ? 3 : 0),
  })),
};
