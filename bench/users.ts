// The users of the benchmark are computed from their id, so that the stub and the load generator agree on them.

/** GenAuth's IdentityDto. */
export interface IdentityRow {
  identityId: string;
  extIdpId: string;
  provider: string;
  type: string;
  userIdInIdp: string;
  userInfoInIdp: Record<string, unknown>;
  accessToken: string;
  refreshToken: string;
  originConnIds: string[];
}

/** GenAuth's UserDto, as far as contenders read it. */
export interface UserRow {
  userId: string;
  status: string;
  email: string | null;
  emailVerified: boolean;
  phone: string | null;
  phoneVerified: boolean;
  passwordLastSetAt: string | null;
  identities: IdentityRow[];
}

/** GenAuth's ExtIdpDto. */
export interface SourceRow {
  id: string;
  name: string;
  type: string;
  logo: string;
}

const PROVIDERS = ['wechat', 'github', 'google', 'lark', 'azure-ad', 'ldap', 'saml'];

/**
 * What identity sources tell GenAuth about a user, in the forms in which their own documentation shows it. Each has a
 * credential.
 */
const PROFILES: Readonly<Record<string, (name: string) => Record<string, unknown>>> = {
  wechat: (name) => ({
    openid: `oH_5k5SflrwjGvk7${name}`,
    nickname: `用户 ${name}`,
    sex: 1,
    language: 'zh_CN',
    city: '深圳',
    province: '广东',
    country: '中国',
    headimgurl: `https://thirdwx.example.com/mmopen/vi_32/${name}/132`,
    privilege: [],
    unionid: `o6_bmasdasdsad6_2sgV${name}`,
    access_token: 'never to be shown',
  }),
  github: (name) => ({
    login: name,
    id: 1_024_001,
    node_id: 'MDQ6VXNlcjE=',
    avatar_url: `https://avatars.example.com/u/${name}?v=4`,
    html_url: `https://github.example.com/${name}`,
    type: 'User',
    site_admin: false,
    name: `${name} of the benchmark`,
    company: null,
    email: `${name}@example.com`,
    public_repos: 42,
    created_at: '2008-01-14T04:33:35Z',
    access_token: 'never to be shown',
  }),
  google: (name) => ({
    sub: `1070000000${name}`,
    name: `${name} of the benchmark`,
    given_name: name,
    picture: `https://lh3.example.com/a/${name}=s96-c`,
    email: `${name}@example.com`,
    email_verified: true,
    locale: 'en',
    id_token: 'never to be shown',
  }),
  lark: (name) => ({
    open_id: `ou_8bae746eac07cd256465${name}`,
    union_id: `on_e0f5ac6a1a8b4f2b9d5c${name}`,
    name: `${name} of the benchmark`,
    en_name: name,
    avatar_url: `https://lark.example.com/${name}.png`,
    tenant_key: '73658811060f175d',
    access_token: 'never to be shown',
  }),
  'azure-ad': (name) => ({
    displayName: `${name} of the benchmark`,
    givenName: name,
    jobTitle: null,
    mail: `${name}@example.com`,
    mobilePhone: null,
    businessPhones: ['+1 425 555 0109'],
    preferredLanguage: 'en-US',
    userPrincipalName: `${name}@example.com`,
    id_token: 'never to be shown',
  }),
  ldap: (name) => ({
    cn: `${name} of the benchmark`,
    mail: [`${name}@example.com`],
    userPassword: 'never to be shown',
  }),
  saml: (name) => ({
    displayName: [`${name} of the benchmark`],
    mail: [`${name}@example.com`],
    token: 'never to be shown',
  }),
};

/** The identity sources of the user pool. */
export const SOURCES: readonly SourceRow[] = Array.from({ length: 20 }, (_, source) => ({
  id: extIdpIdOf(source),
  name: `Source ${String(source).padStart(2, '0')}`,
  type: providerOf(source),
  logo: `https://files.example.com/logo/${providerOf(source)}.svg`,
}));

/** Returns 24 hexadecimal digits that encode the number of identities and the number of the user. */
export function userIdOf(user: number, identities: number): string {
  return `a${hex(identities, 3)}${hex(user, 20)}`;
}

/**
 * Returns a user's identities. Numbers have a fixed width, so that responses for the same number of rows have the same
 * length.
 */
export function identityRows(userId: string): IdentityRow[] {
  const identities = Number.parseInt(userId.slice(1, 4), 16);
  const user = Number.parseInt(userId.slice(4), 16);
  const name = nameOf(userId);
  return Array.from({ length: identities }, (_, source) => ({
    identityId: `b${hex(source, 3)}${hex(user, 20)}`,
    extIdpId: extIdpIdOf(source),
    provider: providerOf(source),
    type: 'generic',
    userIdInIdp: accountOf(userId, source),
    userInfoInIdp: PROFILES[providerOf(source)]?.(name) ?? {},
    accessToken: 'made-up-access-token-of-the-provider',
    refreshToken: 'made-up-refresh-token-of-the-provider',
    originConnIds: [`c${hex(source, 23)}`],
  }));
}

export function extIdpIdOf(source: number): string {
  return `e${hex(source, 23)}`;
}

/** Returns the user's account at an identity source. */
export function accountOf(userId: string, source: number): string {
  return `${nameOf(userId)}@${hex(source, 4)}`;
}

/** Returns the number of the user who owns an account. */
export function userOfAccount(account: string): number {
  return Number(/^user(\d{8})/.exec(account)?.[1]);
}

function nameOf(userId: string): string {
  return `user${String(Number.parseInt(userId.slice(4), 16)).padStart(8, '0')}`;
}

function providerOf(source: number): string {
  return PROVIDERS[source % PROVIDERS.length] ?? 'oidc';
}

/**
 * Returns GenAuth's UserDto, as in `get-user-batch?withIdentities=true`.
 *
 * @param unlinked Default: none. The source from which the user has been unlinked.
 */
export function userRow(userId: string, unlinked?: string): UserRow {
  const identities = identityRows(userId).filter(({ extIdpId }) => extIdpId !== unlinked);
  const row = {
    userId,
    createdAt: '2022-07-03T03:20:30.000Z',
    updatedAt: '2022-07-03T03:20:30.000Z',
    status: 'Activated',
    workStatus: 'Active',
    externalId: null,
    email: `${userId}@example.com`,
    phone: null,
    username: userId,
    name: 'A user of the benchmark',
    nickname: null,
    photo: 'https://files.example.com/photo.png',
    gender: 'U',
    emailVerified: true,
    phoneVerified: false,
    userSourceType: 'register',
    passwordLastSetAt: '2022-07-03T03:20:30.000Z',
    identities,
  };
  return row;
}

/** The member of each provider's profile by which people know the account. */
const LABELS: Readonly<Record<string, string>> = {
  wechat: 'nickname',
  github: 'login',
  google: 'email',
  lark: 'name',
  'azure-ad': 'mail',
  ldap: 'cn',
  saml: 'displayName',
};

/** Returns the name by which people know an account of the benchmark: a part of what the subgraph looks for. */
export function labelOf({ provider, userInfoInIdp }: Pick<IdentityRow, 'provider' | 'userInfoInIdp'>): string | null {
  const value = userInfoInIdp[LABELS[provider] ?? 'name'];
  const label: unknown = Array.isArray(value) ? value[0] : value;
  return typeof label === 'string' ? label : null;
}

/** Whether a field of a provider's profile is a credential, which the SDL promises never to return. */
export function isCredential(name: string): boolean {
  return /token|secret|passw/i.test(name);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
