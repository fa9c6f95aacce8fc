import { randomBytes } from 'node:crypto';
import type { ExtIdpDetailDto, IdentityDto, UserDto } from '../genauth/api';
import { Ledger } from './ledger';
import type { Seed, SeedExtIdp, SeedIdentity, SeedUser } from './seed';

/** A user of the pool. Identities are replaced as a whole, so that a list once read stays as it was. */
export interface StoredUser {
  readonly profile: Readonly<Omit<UserDto, 'identities' | 'customData'>>;
  readonly customData: Readonly<Record<string, unknown>>;
  readonly identities: readonly IdentityDto[];
  /** By identity source, the identity that first came from it: history, which unlinking does not undo. */
  readonly loggedInWith: ReadonlyMap<string, string>;
}

/** An unlink that the API executed, whatever became of its answer. */
export interface Execution {
  userId: string;
  extIdpId: string;
  /** null: the request named none. */
  type: string | null;
  /** How many rows it removed; 0 when there was nothing to remove. */
  removed: number;
  /** Epoch milliseconds. */
  at: number;
}

interface Change {
  at: number;
  userId: string;
  before: readonly IdentityDto[];
}

const CREATED_AT = '2025-01-06T08:00:00.000Z';

/** The user pool: what is really linked to what. Everything here takes effect at once and is answered at once. */
export class Store {
  readonly #users = new Map<string, { -readonly [K in keyof StoredUser]: StoredUser[K] }>();
  readonly #extIdps = new Map<string, ExtIdpDetailDto>();
  /** Who holds an identity: no two users can hold the same. */
  readonly #holders = new Map<string, string>();
  readonly #executions = new Ledger<Execution>(100_000);
  readonly #changes = new Ledger<Change>(1_000);

  constructor(seed: Seed) {
    for (const extIdp of seed.extIdps) this.#addExtIdp(extIdp);
    for (const user of seed.users) this.addUser(user);
    // What a pool starts with was there long ago.
    this.#changes.clear();
  }

  users(): StoredUser[] {
    return [...this.#users.values()];
  }

  user(userId: string): StoredUser | undefined {
    return this.#users.get(userId);
  }

  extIdps(): ExtIdpDetailDto[] {
    return [...this.#extIdps.values()];
  }

  extIdp(id: string): ExtIdpDetailDto | undefined {
    return this.#extIdps.get(id);
  }

  /** What a user is linked to at this moment. Of a user who does not exist: nothing. */
  identitiesOf(userId: string): readonly IdentityDto[] {
    return this.#users.get(userId)?.identities ?? [];
  }

  /** What a user was linked to at a moment of the last thousand changes. */
  identitiesAt(userId: string, at: number): readonly IdentityDto[] {
    const change = this.#changes.entries.find((entry) => entry.userId === userId && entry.at > at);
    return change?.before ?? this.identitiesOf(userId);
  }

  /**
   * The unlinks that the API executed, the last hundred thousand at most. Removing something with `unlink()` is not one.
   */
  get executions(): readonly Execution[] {
    return this.#executions.entries;
  }

  recordExecution(execution: Omit<Execution, 'at'>): void {
    this.#executions.push({ ...execution, at: Date.now() });
  }

  clearExecutions(): void {
    this.#executions.clear();
  }

  /** The user who holds an identity. */
  holderOf(identity: { extIdpId: string; type: string; userIdInIdp: string }): string | undefined {
    return this.#holders.get(keyOf(identity));
  }

  /**
   * Adds a user.
   *
   * @returns The user's id.
   * @throws {RangeError} The id is taken, or an identity names a source that does not exist or belongs to somebody.
   */
  addUser(user: SeedUser): string {
    const userId = user.id ?? createId();
    if (this.#users.has(userId)) throw new RangeError(`user ${userId} exists`);
    this.#users.set(userId, {
      profile: {
        userId,
        createdAt: CREATED_AT,
        updatedAt: CREATED_AT,
        status: 'Activated',
        workStatus: 'Active',
        gender: 'U',
        emailVerified: user.email !== undefined,
        phoneVerified: user.phone !== undefined,
        userSourceType: 'register',
        externalId: user.externalId ?? null,
        email: user.email?.toLowerCase() ?? null,
        phone: user.phone ?? null,
        username: user.username ?? null,
        name: user.name ?? null,
        nickname: user.nickname ?? null,
        photo: null,
        passwordLastSetAt: user.hasPassword === true ? CREATED_AT : null,
      },
      customData: user.customData ?? {},
      identities: [],
      loggedInWith: new Map(),
    });
    for (const identity of user.identities ?? []) this.link(userId, identity);
    return userId;
  }

  /**
   * Links an identity to a user. What the user holds already stays as it is.
   *
   * @throws {RangeError} The user or the source does not exist, or another user holds the identity.
   */
  link(userId: string, identity: SeedIdentity): IdentityDto {
    const user = this.#users.get(userId);
    const extIdp = this.#extIdps.get(identity.extIdpId);
    if (user === undefined) throw new RangeError(`user ${userId} does not exist`);
    if (extIdp === undefined) throw new RangeError(`identity source ${identity.extIdpId} does not exist`);
    const { id, ...given } = identity;
    const row: IdentityDto = {
      identityId: id ?? createId(),
      provider: extIdp.type,
      originConnIds: extIdp.connections.slice(0, 1).map((connection) => connection.id),
      ...given,
      type: identity.type ?? 'generic',
    };
    const holder = this.holderOf(row);
    if (holder !== undefined && holder !== userId) throw new RangeError('another user holds this identity');
    if (holder === userId) return user.identities.find((held) => keyOf(held) === keyOf(row)) ?? row;
    this.#holders.set(keyOf(row), userId);
    this.#replace(userId, [...user.identities, row]);
    if (!user.loggedInWith.has(extIdp.id)) {
      user.loggedInWith = new Map([...user.loggedInWith, [extIdp.id, row.identityId]]);
    }
    return row;
  }

  /**
   * Removes a user's identities under one source.
   *
   * @param request.type Default: of any type.
   * @returns How many were removed.
   */
  unlink(request: { userId: string; extIdpId: string; type?: string }): number {
    const before = this.identitiesOf(request.userId);
    const kept = before.filter((row) => !matches(row, request));
    for (const row of before) if (matches(row, request)) this.#holders.delete(keyOf(row));
    if (kept.length < before.length) this.#replace(request.userId, kept);
    return before.length - kept.length;
  }

  #replace(userId: string, identities: readonly IdentityDto[]): void {
    const user = this.#users.get(userId);
    if (user === undefined) return;
    this.#changes.push({ at: Date.now(), userId, before: user.identities });
    user.identities = identities;
  }

  #addExtIdp({ id = createId(), name, type, connections = [{ identifier: `my-${type}` }] }: SeedExtIdp): void {
    if (this.#extIdps.has(id)) throw new RangeError(`identity source ${id} exists`);
    const logo = `https://files.example.com/${type}.svg`;
    this.#extIdps.set(id, {
      id,
      name,
      logo,
      type,
      autoJoin: true,
      connections: connections.map((connection) => ({
        type,
        displayName: name,
        ...connection,
        id: connection.id ?? createId(),
        extIdpId: id,
        logo,
        loginOnly: false,
        associationMode: 'none',
        challengeBindingMethods: [],
      })),
    });
  }
}

/** Whether an unlink of these would remove this row. */
export function matches(row: IdentityDto, request: { extIdpId: string; type?: string }): boolean {
  return row.extIdpId === request.extIdpId && (request.type === undefined || row.type === request.type);
}

function keyOf({ extIdpId, type, userIdInIdp }: { extIdpId: string; type: string; userIdInIdp: string }): string {
  return `${extIdpId}\n${type}\n${userIdInIdp}`;
}

/** 24 hexadecimal digits, as the service's database makes them. */
export function createId(): string {
  return randomBytes(12).toString('hex');
}
