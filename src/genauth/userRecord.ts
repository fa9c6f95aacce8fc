import { JsonReader } from '../json';
import { readText } from './columns';
import { IdentityList, type UnusableColumn } from './identity';
import { IdentityRows } from './identityRows';
import { type Account, readOddRows } from './oddRows';
import { withoutProfiles } from './withoutProfiles';

/** The columns of a user that decide how the user can sign in. */
export interface SignInColumns {
  /** Such as `Activated`. */
  readonly status: string | null;
  readonly username: string | null;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly phone: string | null;
  readonly phoneVerified: boolean;
  /** Null for a user who never had a password. */
  readonly passwordLastSetAt: string | null;
}

/** The part of a user that decides how the user can sign in. */
export interface SignInUser extends SignInColumns {
  readonly accounts: readonly Account[];
}

/**
 * A user, as one response of GenAuth has it. Only the identities are checked when the response is read. The rest is read from
 * the same bytes when it is needed, because most requests need identities alone.
 */
export class UserRecord {
  readonly id: string;
  /** Null if one of them cannot be used. Empty if the response has no member `identities`. */
  readonly identities: IdentityList | null;
  /** The column that makes `identities` null. */
  readonly unusableColumn: UnusableColumn | null;
  /** Whether `userInfoInIdp` was kept. Without it, the record does not keep GenAuth's response alive. */
  readonly hasProfiles: boolean;
  readonly #bytes: Buffer;
  #accounts: readonly Account[] | null | undefined;
  #signInColumns: SignInColumns | undefined;
  #signInUser: SignInUser | undefined;

  /** @param bytes The JSON of the user. */
  constructor(id: string, identities: IdentityList | UnusableColumn, bytes: Buffer, hasProfiles = true) {
    this.id = id;
    this.identities = typeof identities === 'string' ? null : identities;
    this.unusableColumn = typeof identities === 'string' ? identities : null;
    this.#bytes = bytes;
    this.hasProfiles = hasProfiles;
  }

  /** Length of the JSON of the user. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  /** Returns a copy without `userInfoInIdp`, and without other values of more than 16 KiB. */
  copyWithoutProfiles(): UserRecord {
    const bytes = withoutProfiles(this.#bytes);
    const copy = JsonReader.read(bytes, (json) => readUser(json, new IdentityRows()));
    if (copy === null) return this;
    return new UserRecord(this.id, copy.identities ?? copy.unusableColumn ?? 'identities', bytes, false);
  }

  /**
   * Returns every identity of the user, also those without a usable id.
   *
   * @returns null if the response does not say which identities there are. A missing member `identities` does not say so.
   */
  accounts(): readonly Account[] | null {
    if (this.#accounts === undefined) {
      const { identities } = this;
      // An empty list may stand for a missing member.
      this.#accounts = identities === null || identities.length === 0 ? this.#readAccounts() : identities.accounts();
    }
    return this.#accounts;
  }

  #readAccounts(): readonly Account[] | null {
    let accounts: Account[] | null = null;
    JsonReader.read(this.#bytes, (json) =>
      eachMember(json, () => {
        if (json.isKey('identities')) accounts = readOddRows(json);
        else json.skip();
      }),
    );
    return accounts;
  }

  signInColumns(): SignInColumns {
    this.#signInColumns ??= this.#readSignInColumns();
    return this.#signInColumns;
  }

  /** @returns null if the response does not say which identities the user has. */
  signInUser(): SignInUser | null {
    const accounts = this.accounts();
    if (accounts === null) return null;
    this.#signInUser ??= { ...this.signInColumns(), accounts };
    return this.#signInUser;
  }

  #readSignInColumns(): SignInColumns {
    const texts = new Map<string, string | null>();
    const flags = new Map<string, boolean>();
    JsonReader.read(this.#bytes, (json) =>
      eachMember(json, () => {
        const text = TEXT_COLUMNS.find((name) => json.isKey(name));
        const flag = FLAG_COLUMNS.find((name) => json.isKey(name));
        if (text !== undefined) texts.set(text, readText(json));
        else if (flag !== undefined) flags.set(flag, json.value() === true);
        else json.skip();
      }),
    );
    const textOf = (name: (typeof TEXT_COLUMNS)[number]): string | null => texts.get(name) ?? null;
    return {
      status: textOf('status'),
      username: textOf('username'),
      email: textOf('email'),
      emailVerified: flags.get('emailVerified') ?? false,
      phone: textOf('phone'),
      phoneVerified: flags.get('phoneVerified') ?? false,
      passwordLastSetAt: textOf('passwordLastSetAt'),
    };
  }
}

const TEXT_COLUMNS = ['status', 'username', 'email', 'phone', 'passwordLastSetAt'] as const;
const FLAG_COLUMNS = ['emailVerified', 'phoneVerified'] as const;

/** Estimated response bytes per identity, used to size the index. */
const BYTES_PER_IDENTITY = 500;

/**
 * Reads the `data` of `get-user-batch`. Null among the users is skipped: depending on the installation, an unknown user is
 * null or missing.
 *
 * @returns null if it is not a list.
 * @see docs/genauth-api.md#get-user-batch
 */
export function readUsers(json: JsonReader): UserRecord[] | null {
  if (json.kind() !== 'array') {
    json.skip();
    return null;
  }
  const users: UserRecord[] = [];
  const rows = new IdentityRows(Math.ceil(json.bytes.length / BYTES_PER_IDENTITY));
  json.enter();
  while (json.nextItem()) {
    const user = readUser(json, rows);
    if (user !== null) users.push(user);
  }
  return users;
}

function readUser(json: JsonReader, rows: IdentityRows): UserRecord | null {
  if (json.kind() !== 'object') {
    json.skip();
    return null;
  }
  const start = json.position;
  let id: string | null = null;
  let identities: IdentityList | UnusableColumn = IdentityList.EMPTY;
  eachMember(json, () => {
    if (json.isKey('userId')) id = readText(json);
    else if (json.isKey('identities')) identities = IdentityList.read(json, rows);
    else json.skip();
  });
  return id === null ? null : new UserRecord(id, identities, json.bytes.subarray(start, json.position));
}

/** A column that makes the identities of some users unusable. */
export interface UnusableColumnReport {
  column: UnusableColumn;
  /** Number of users in one response. */
  users: number;
}

/** Returns a report for each column that makes the identities of some of these users unusable. */
export function unusableColumns(users: readonly UserRecord[]): UnusableColumnReport[] {
  const columns = users.map(({ unusableColumn }) => unusableColumn).filter((column) => column !== null);
  return [...new Set(columns)].map((column) => ({ column, users: columns.filter((each) => each === column).length }));
}

/** @param readMember Reads the value of the key that was read last. */
function eachMember(json: JsonReader, readMember: () => void): void {
  json.enter();
  while (json.nextKey()) readMember();
}
