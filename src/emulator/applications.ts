import type { ApplicationExtIdpConnDto, BasicLoginMethod, ExtIdpDetailDto } from '../genauth/api';
import { createId } from './ids';
import type { SeedApplication } from './seed';

/** An application of the pool, and the ways to sign in to it. */
export interface StoredApplication {
  readonly id: string;
  readonly name: string;
  readonly basicLoginMethods: readonly BasicLoginMethod[];
  /** By identifier, whether a connection is enabled. null: every connection of the pool is enabled. */
  readonly connections: ReadonlyMap<string, boolean> | null;
}

const DEFAULT_METHODS: readonly BasicLoginMethod[] = [
  'PHONE_CODE',
  'EMAIL_CODE',
  'PHONE_PASSWORD',
  'EMAIL_PASSWORD',
  'USERNAME_PASSWORD',
];

/** Sources that GenAuth's console lists as enterprise sources. All others are social. */
const ENTERPRISE: ReadonlySet<string> = new Set(['oidc', 'oauth2', 'saml', 'ldap', 'ad', 'cas', 'azure-ad']);

/** The applications of a pool, and which users are signed in to them. */
export class Applications {
  readonly #byId = new Map<string, StoredApplication>();
  /** By user, the applications with an active session. */
  readonly #sessions = new Map<string, Set<string>>();

  list(): StoredApplication[] {
    return [...this.#byId.values()];
  }

  get(id: string): StoredApplication | undefined {
    return this.#byId.get(id);
  }

  /** @throws {RangeError} The id is taken. */
  add(application: SeedApplication): string {
    const {
      id = createId(),
      name,
      basicLoginMethods = DEFAULT_METHODS,
      connections,
      disabledConnections,
    } = application;
    if (this.#byId.has(id)) throw new RangeError(`application ${id} exists`);
    const listed =
      connections === undefined && disabledConnections === undefined
        ? null
        : new Map([
            ...(connections ?? []).map((identifier) => [identifier, true] as const),
            ...(disabledConnections ?? []).map((identifier) => [identifier, false] as const),
          ]);
    this.#byId.set(id, { id, name, basicLoginMethods, connections: listed });
    return id;
  }

  /** @throws {RangeError} The application does not exist. */
  signIn(userId: string, appId: string): void {
    if (!this.#byId.has(appId)) throw new RangeError(`application ${appId} does not exist`);
    const apps = this.#sessions.get(userId) ?? new Set();
    this.#sessions.set(userId, apps.add(appId));
  }

  /** Ends the sessions of a user. Default: in every application. @returns How many were ended. */
  signOut(userId: string, appIds: Iterable<string> = this.signedInApps(userId)): number {
    const apps = this.#sessions.get(userId);
    let ended = 0;
    for (const appId of appIds) if (apps?.delete(appId) === true) ended++;
    return ended;
  }

  /** Returns the applications that a user is signed in to, in the order of their first sign-in. */
  signedInApps(userId: string): string[] {
    return [...(this.#sessions.get(userId) ?? [])];
  }
}

/** Returns the connections that an application lists, as GenAuth documents them. */
export function connectionsOf(
  application: StoredApplication,
  extIdps: readonly ExtIdpDetailDto[],
): ApplicationExtIdpConnDto[] {
  return extIdps.flatMap(({ id, type, connections }) =>
    connections.flatMap((connection): ApplicationExtIdpConnDto[] => {
      const identifier = connection.identifier ?? '';
      const enabled = application.connections === null ? true : application.connections.get(identifier);
      if (enabled === undefined) return [];
      return [
        {
          isSocial: !ENTERPRISE.has(type),
          extIdpId: id,
          extIdpType: type,
          extIdpConnId: connection.id,
          extIdpConnType: connection.type,
          extIdpConnIdentifier: identifier,
          extIdpConnDisplayName: connection.displayName ?? '',
          extIdpConnLogo: connection.logo,
          enabled,
        },
      ];
    }),
  );
}
