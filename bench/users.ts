/** The users of the benchmark: made from their number alone, so that the stub and whoever checks answers agree. */

/** The wire's IdentityDto. */
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

const PROVIDERS = ['wechat', 'github', 'google', 'lark', 'azure-ad', 'ldap', 'saml'];

/** 24 hexadecimal digits that say how many identities the user has, and which user it is. */
export function userIdOf(user: number, identities: number): string {
  return `a${hex(identities, 3)}${hex(user, 20)}`;
}

/** Numbers are written with a fixed width throughout: answers about other users of the same size are of the same length. */
export function identityRows(userId: string): IdentityRow[] {
  const identities = Number.parseInt(userId.slice(1, 4), 16);
  const user = Number.parseInt(userId.slice(4), 16);
  const name = `user${String(user).padStart(8, '0')}`;
  return Array.from({ length: identities }, (_, source) => ({
    identityId: `b${hex(source, 3)}${hex(user, 20)}`,
    extIdpId: extIdpIdOf(source),
    provider: PROVIDERS[source % PROVIDERS.length] ?? 'oidc',
    type: 'generic',
    userIdInIdp: `${name}@${hex(source, 4)}`,
    userInfoInIdp: {
      sub: name,
      name: `${name} of the benchmark`,
      email: `${name}@example.com`,
      email_verified: true,
      picture: `https://avatars.example.com/u/${name}`,
      access_token: 'never to be shown',
    },
    accessToken: 'made-up-access-token-of-the-provider',
    refreshToken: 'made-up-refresh-token-of-the-provider',
    originConnIds: [`c${hex(source, 23)}`],
  }));
}

export function extIdpIdOf(source: number): string {
  return `e${hex(source, 23)}`;
}

/** The wire's UserDto, as `get-user-batch?withIdentities=true` has it. */
export function userRow(userId: string): object {
  const identities = identityRows(userId);
  return {
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
}

/** Whether a field of a provider's profile may be shown. Contenders leave out what may not, as the SDL promises. */
export function isCredential(name: string): boolean {
  return /token|secret|passw/i.test(name);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
