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

const PROVIDERS = ['wechat', 'github', 'google', 'lark', 'azure-ad', 'ldap', 'saml'];

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

/** Returns GenAuth's UserDto, as in `get-user-batch?withIdentities=true`. */
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

/** Whether a field of a provider's profile is a credential, which the SDL promises never to return. */
export function isCredential(name: string): boolean {
  return /token|secret|passw/i.test(name);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
