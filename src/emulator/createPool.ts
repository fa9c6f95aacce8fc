import type { Seed, SeedIdentity, SeedUser } from './seed';

const PROVIDERS = ['wechat', 'github', 'google', 'lark', 'azure-ad', 'ldap', 'saml'];

/** The contents of a generated pool. */
export interface PoolSize {
  users: number;
  /** Each user has one identity under each source. */
  identitiesPerUser: number;
  /** Default 0. Every user is signed in to all of them. */
  applications?: number;
  /** Default: none. The size of a photo in every identity. */
  photoKiB?: number;
}

/** Creates a pool of any size, with the same ids every time. */
export function createPool({ users, identitiesPerUser, applications = 0, photoKiB }: PoolSize): Seed {
  const extIdps = Array.from({ length: identitiesPerUser }, (_, source) => {
    const type = PROVIDERS[source % PROVIDERS.length] ?? 'oidc';
    return {
      id: hexId('e', source),
      name: `${type} ${source}`,
      type,
      connections: [{ id: hexId('c', source), identifier: `c${source}` }],
    };
  });
  const apps = Array.from({ length: applications }, (_, app) => ({ id: hexId('d', app), name: `Application ${app}` }));
  const appIds = apps.map(({ id }) => id);
  return {
    extIdps,
    ...(applications === 0 ? {} : { applications: apps }),
    users: Array.from({ length: users }, (_, user): SeedUser => ({
      id: hexId('a', user),
      username: `user${user}`,
      ...(applications === 0 ? {} : { signedInApps: appIds }),
      identities: extIdps.map(({ id }, source) => {
        const identity: SeedIdentity = {
          id: hexId('b', user * identitiesPerUser + source),
          extIdpId: id,
          userIdInIdp: `user${user}`,
          userInfoInIdp: { sub: `user${user}`, name: `User ${user}` },
        };
        if (photoKiB !== undefined) identity.photoKiB = photoKiB;
        return identity;
      }),
    })),
  };
}

/** Writes a kind and a number as 24 hexadecimal digits. */
function hexId(kind: string, number: number): string {
  return kind + number.toString(16).padStart(23, '0');
}
