import type { SeedApplication, SeedExtIdp } from './seed';

export const WECHAT = '62f20932716fbcc10d966ee5';
export const GITHUB = '62f20932716fbcc10d966ee6';
export const GOOGLE = '62f20932716fbcc10d966ee7';
export const LARK = '62f20932716fbcc10d966ee8';
export const AZURE = '62f20932716fbcc10d966ee9';
export const LDAP = '62f20932716fbcc10d966eea';
export const SAML = '62f20932716fbcc10d966eeb';

export const DELETED_SAML = '62f20932716fbcc10d966eec';

export const WEB = '6193c610f9117e7cb0491501';
export const MOBILE = '6193c610f9117e7cb0491502';

/** Returns a drawing of a letter as a data URL, so that pages show it without a request. */
function logo(letter: string, colour: string): string {
  const text = `<text x="12" y="17" fill="#fff" font-family="sans-serif" font-size="14" text-anchor="middle">${letter}</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="5" fill="${colour}"/>${text}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

export const BUILT_IN_EXT_IDPS: SeedExtIdp[] = [
  {
    id: WECHAT,
    name: '微信',
    type: 'wechat',
    logo: logo('微', '#2aae67'),
    connections: [
      { id: '62f2093244fa5cb19ff21ed3', identifier: 'my-wechat', type: 'wechat:pc', displayName: '微信扫码' },
    ],
  },
  {
    id: GITHUB,
    name: 'GitHub',
    type: 'github',
    logo: logo('G', '#24292f'),
    connections: [{ id: '62f2093244fa5cb19ff21ed4', identifier: 'my-github' }],
  },
  {
    id: GOOGLE,
    name: 'Google',
    type: 'google',
    logo: logo('G', '#1a73e8'),
    connections: [{ id: '62f2093244fa5cb19ff21ed5', identifier: 'my-google' }],
  },
  {
    id: LARK,
    name: '飞书',
    type: 'lark',
    logo: logo('飞', '#3370ff'),
    connections: [{ id: '62f2093244fa5cb19ff21ed6', identifier: 'my-lark', type: 'lark-internal' }],
  },
  {
    id: AZURE,
    name: 'Azure AD',
    type: 'azure-ad',
    logo: logo('A', '#0067b8'),
    connections: [{ id: '62f2093244fa5cb19ff21ed7', identifier: 'my-azure' }],
  },
  {
    id: LDAP,
    name: 'Headquarters directory',
    type: 'ldap',
    logo: logo('H', '#6b4fbb'),
    connections: [{ id: '62f2093244fa5cb19ff21ed8', identifier: 'hq-ldap' }],
  },
  {
    id: SAML,
    name: 'Partner SAML',
    type: 'saml',
    logo: logo('P', '#b45309'),
    connections: [{ id: '62f2093244fa5cb19ff21ed9', identifier: 'partner-saml' }],
  },
];

export const BUILT_IN_APPLICATIONS: SeedApplication[] = [
  {
    id: WEB,
    name: 'Web shop',
    basicLoginMethods: ['USERNAME_PASSWORD', 'EMAIL_PASSWORD', 'EMAIL_CODE'],
    connections: ['my-wechat', 'my-github', 'my-google', 'my-lark', 'my-azure', 'hq-ldap'],
    disabledConnections: ['partner-saml'],
  },
  {
    id: MOBILE,
    name: 'Mobile app',
    basicLoginMethods: ['PHONE_CODE'],
    connections: ['my-wechat', 'my-github', 'my-lark'],
  },
];
