import type { ExtIdpDetailDto, IdentityDto, UserDto } from '../genauth/api';
import { Applications, type StoredApplication } from './applications';
import { type Execution, Executions, type KickExecution, type LinkExecution } from './executions';
import { ExtIdps } from './extIdps';
import { createId } from './ids';
import { Ledger } from './ledger';
import { keyOf, matches, type RowKey } from './rows';
import type { IdentitiesForm, Seed, SeedIdentity, SeedUser } from './seed';

/** A user of the pool. Each change replaces the list of identities, so that a list that was read stays as it was. */
export interface StoredUser {
  readonly profile: Readonly<Omit<UserDto, 'identities' | 'customData'>>;
  readonly customData: Readonly<Record<string, unknown>>;
  readonly rawMembers: Readonly<Record<string, unknown>>;
  /** Rows that a seed gave as `rawIdentities` need not have this type. */
  readonly identities: readonly IdentityDto[];
  readonly areRowsRaw: boolean;
  readonly identitiesAs: IdentitiesForm;
  /** By identity source, the first identity from it. Unlinking does not change this history. */
  readonly loggedInWith: ReadonlyMap<string, string>;
}

interface Change {
  at: number;
  userId: string;
  before: readonly IdentityDto[];
}

const CREATED_AT = '2025-01-06T08:00:00.000Z';

/** The user pool. Every change takes effect at once, and every read shows it at once. */
export class Store {
  readonly #users = new Map<string, { -readonly [K in keyof StoredUser]: StoredUser[K] }>();
  readonly #extIdps = new ExtIdps();
  readonly #applications = new Applications();
  /** By identity, the user who holds it. No two users hold the same identity. */
  readonly #holders = new Map<string, string>();
  readonly #executions = new Executions();
  readonly #changes = new Ledger<Change>(1_000);

  /** @throws {RangeError} An id is used twice, or one is named that nothing has. */
  constructor(seed: Seed) {
    for (const extIdp of seed.extIdps) this.#extIdps.add(extIdp);
    for (const application of seed.applications ?? []) this.#applications.add(application);
    for (const user of seed.users) this.addUser(user);
    // A read that lags must not see the pool before it was seeded.
    this.#changes.clear();
  }

  users(): StoredUser[] {
    return [...this.#users.values()];
  }

  user(userId: string): StoredUser | undefined {
    return this.#users.get(userId);
  }

  extIdps(): ExtIdpDetailDto[] {
    return this.#extIdps.list();
  }

  extIdp(id: string): ExtIdpDetailDto | undefined {
    return this.#extIdps.get(id);
  }

  /** Deletes an identity source. The identities under it remain. @returns Whether there was one. */
  deleteExtIdp(id: string): boolean {
    return this.#extIdps.delete(id);
  }

  applications(): StoredApplication[] {
    return this.#applications.list();
  }

  application(id: string): StoredApplication | undefined {
    return this.#applications.get(id);
  }

  /** Signs a user in to an application. @throws {RangeError} The user or the application does not exist. */
  signIn(userId: string, appId: string): void {
    if (!this.#users.has(userId)) throw new RangeError(`user ${userId} does not exist`);
    this.#applications.signIn(userId, appId);
  }

  /** Ends sessions of a user. Default: in every application. @returns How many were ended. */
  signOut(userId: string, appIds?: Iterable<string>): number {
    return this.#applications.signOut(userId, appIds);
  }

  /** Returns the ids of the applications that a user is signed in to. */
  signedInApps(userId: string): string[] {
    return this.#applications.signedInApps(userId);
  }

  /** Returns the current identities of a user. Empty for a user who does not exist. */
  identitiesOf(userId: string): readonly IdentityDto[] {
    return this.#users.get(userId)?.identities ?? [];
  }

  /** Returns the identities of a user at an earlier time, as far back as the last 500 to 1000 changes of the pool. */
  identitiesAt(userId: string, at: number): readonly IdentityDto[] {
    const change = this.#changes.entries.find((entry) => entry.userId === userId && entry.at > at);
    return change?.before ?? this.identitiesOf(userId);
  }

  /** The unlinks that the API executed, even if their responses were lost. Calls of `unlink()` do not count. */
  get executions(): readonly Execution[] {
    return this.#executions.unlinks;
  }

  /** The links that the API executed, even if their responses were lost. */
  get linkExecutions(): readonly LinkExecution[] {
    return this.#executions.links;
  }

  /** The kick-users calls that the API executed, even if their responses were lost. */
  get kickExecutions(): readonly KickExecution[] {
    return this.#executions.kicks;
  }

  /** Records an unlink as executed by the API. */
  recordExecution(unlink: Omit<Execution, 'at'>): void {
    this.#executions.recordUnlink(unlink);
  }

  recordLink(link: Omit<LinkExecution, 'at'>): void {
    this.#executions.recordLink(link);
  }

  recordKick(kick: Omit<KickExecution, 'at'>): void {
    this.#executions.recordKick(kick);
  }

  clearExecutions(): void {
    this.#executions.clear();
  }

  /** Returns the user who holds an identity. Raw rows have no holder. */
  holderOf(identity: RowKey): string | undefined {
    return this.#holders.get(keyOf(identity));
  }

  /**
   * Adds a user.
   *
   * @returns The user's id.
   * @throws {RangeError} The id is taken, another user holds an identity, or a source or an application does not exist.
   */
  addUser(user: SeedUser): string {
    const userId = user.id ?? createId();
    if (this.#users.has(userId)) throw new RangeError(`user ${userId} exists`);
    this.#users.set(userId, {
      profile: toProfile(userId, user),
      customData: user.customData ?? {},
      rawMembers: user.rawMembers ?? {},
      identities: (user.rawIdentities ?? []) as IdentityDto[],
      areRowsRaw: user.rawIdentities !== undefined,
      identitiesAs: user.identitiesAs ?? 'list',
      loggedInWith: new Map(),
    });
    for (const identity of user.rawIdentities === undefined ? (user.identities ?? []) : []) this.link(userId, identity);
    for (const appId of user.signedInApps ?? []) this.signIn(userId, appId);
    return userId;
  }

  /**
   * Links an identity to a user. An identity that the user already holds stays as it is.
   *
   * @throws {RangeError} The user or the source does not exist, or another user holds the identity.
   */
  link(userId: string, identity: SeedIdentity): IdentityDto {
    const user = this.#users.get(userId);
    const extIdp = this.#extIdps.get(identity.extIdpId);
    if (user === undefined) throw new RangeError(`user ${userId} does not exist`);
    if (extIdp === undefined && identity.provider === undefined) {
      throw new RangeError(`identity source ${identity.extIdpId} does not exist`);
    }
    const { id, photoKiB, ...given } = identity;
    const row: IdentityDto = {
      identityId: id ?? createId(),
      provider: extIdp?.type ?? '',
      originConnIds: extIdp?.connections.slice(0, 1).map((connection) => connection.id) ?? [],
      ...given,
      type: identity.type ?? 'generic',
      ...(photoKiB === undefined ? {} : { userInfoInIdp: { ...identity.userInfoInIdp, photo: createPhoto(photoKiB) } }),
    };
    const holder = this.holderOf(row);
    if (holder !== undefined && holder !== userId) throw new RangeError('another user holds this identity');
    if (holder === userId) return user.identities.find((held) => keyOf(held) === keyOf(row)) ?? row;
    this.#holders.set(keyOf(row), userId);
    this.#replace(userId, [...user.identities, row]);
    if (!user.loggedInWith.has(row.extIdpId)) {
      user.loggedInWith = new Map([...user.loggedInWith, [row.extIdpId, row.identityId]]);
    }
    return row;
  }

  /**
   * Removes a user's identities under one source.
   *
   * @param request.type Default: every type.
   * @returns How many were removed.
   */
  unlink(request: { userId: string; extIdpId: string; type?: string }): number {
    const before = this.identitiesOf(request.userId);
    const kept = before.filter((row) => !matches(row, request));
    // A raw row can look like an identity of another user, who still holds it.
    for (const row of before) {
      if (matches(row, request) && this.holderOf(row) === request.userId) this.#holders.delete(keyOf(row));
    }
    if (kept.length < before.length) this.#replace(request.userId, kept);
    return before.length - kept.length;
  }

  #replace(userId: string, identities: readonly IdentityDto[]): void {
    const user = this.#users.get(userId);
    if (user === undefined) return;
    this.#changes.push({ at: Date.now(), userId, before: user.identities });
    user.identities = identities;
  }
}

function toProfile(userId: string, user: SeedUser): StoredUser['profile'] {
  return {
    userId,
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    status: user.status ?? 'Activated',
    workStatus: 'Active',
    gender: 'U',
    emailVerified: user.emailVerified ?? user.email !== undefined,
    phoneVerified: user.phoneVerified ?? user.phone !== undefined,
    userSourceType: 'register',
    externalId: user.externalId ?? null,
    email: user.email?.toLowerCase() ?? null,
    phone: user.phone ?? null,
    username: user.username ?? null,
    name: user.name ?? null,
    nickname: user.nickname ?? null,
    photo: null,
    passwordLastSetAt: user.hasPassword === true ? CREATED_AT : null,
  };
}

/** A data URL of about this size. */
function createPhoto(sizeKiB: number): string {
  return `data:image/jpeg;base64,${'A'.repeat(sizeKiB * 1024)}`;
}
