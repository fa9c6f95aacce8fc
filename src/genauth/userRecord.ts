import { END_OF_OBJECT, JsonReader, OTHER_KEY } from '../json';
import { readText } from './columns';
import { IdentityList, type UnusableColumn } from './identity';
import { IdentityRows } from './identityRows';
import { keysOf, MemberTable } from './memberTable';
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
export interface SignInUser {
  readonly columns: SignInColumns;
  readonly accounts: readonly Account[];
}

/** The members of a user that are read, by their names on the wire. The first two are read at once. */
const MEMBERS = [
  'userId',
  'identities',
  'status',
  'username',
  'email',
  'emailVerified',
  'phone',
  'phoneVerified',
  'passwordLastSetAt',
] as const;

/** Users of one installation have the same keys in the same order. */
const KEYS = keysOf(MEMBERS);

/** The position of the whole user, after those of its members. */
const WHOLE = MEMBERS.length;

/** A user in the bytes of a response. */
interface UserPosition {
  /** The response. */
  json: JsonReader;
  /** The members, and the whole user. */
  table: MemberTable;
  row: number;
}

/**
 * A user, as one response of GenAuth has it. Only the identities are checked when the response is read. The rest is read from
 * the same bytes when it is needed, because most requests need identities alone.
 */
export class UserRecord implements SignInColumns {
  readonly id: string;
  /** Null if one of them cannot be used. Empty if the response has no member `identities`. */
  readonly identities: IdentityList | null;
  /** The column that makes `identities` null. */
  readonly unusableColumn: UnusableColumn | null;
  /** Whether `userInfoInIdp` was kept. Without it, the record does not keep GenAuth's response alive. */
  readonly hasProfiles: boolean;
  readonly #position: UserPosition;
  #accounts: readonly Account[] | null | undefined;
  #signInUser: SignInUser | undefined;

  constructor(id: string, identities: IdentityList | UnusableColumn, position: UserPosition, hasProfiles = true) {
    this.id = id;
    this.identities = typeof identities === 'string' ? null : identities;
    this.unusableColumn = typeof identities === 'string' ? identities : null;
    this.#position = position;
    this.hasProfiles = hasProfiles;
  }

  /** Length of the JSON of the user. */
  get byteLength(): number {
    const { table, row } = this.#position;
    return table.endOf(row, WHOLE) - table.startOf(row, WHOLE);
  }

  get #bytes(): Buffer {
    const { json, table, row } = this.#position;
    return json.bytes.subarray(table.startOf(row, WHOLE), table.endOf(row, WHOLE));
  }

  /** Returns a copy without `userInfoInIdp`, and without other values of more than 16 KiB. */
  copyWithoutProfiles(): UserRecord {
    const bytes = withoutProfiles(this.#bytes);
    return JsonReader.read(bytes, (json) => readUser(json, tablesFor(bytes.length), false)) ?? this;
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
      this.#accounts =
        identities === null || identities.length === 0 ? this.#read('identities', readOddRows) : identities.accounts();
    }
    return this.#accounts;
  }

  /** @returns null if the response does not say which identities the user has. */
  signInUser(): SignInUser | null {
    const accounts = this.accounts();
    if (accounts === null) return null;
    this.#signInUser ??= { columns: this, accounts };
    return this.#signInUser;
  }

  get status(): string | null {
    return this.#text('status');
  }

  get username(): string | null {
    return this.#text('username');
  }

  get email(): string | null {
    return this.#text('email');
  }

  get emailVerified(): boolean {
    return this.#isTrue('emailVerified');
  }

  get phone(): string | null {
    return this.#text('phone');
  }

  get phoneVerified(): boolean {
    return this.#isTrue('phoneVerified');
  }

  get passwordLastSetAt(): string | null {
    return this.#text('passwordLastSetAt');
  }

  #text(name: (typeof MEMBERS)[number]): string | null {
    return this.#read(name, readText);
  }

  #isTrue(name: (typeof MEMBERS)[number]): boolean {
    return this.#read(name, readValue) === true;
  }

  /** Reads a member. @returns null if the user has no such member. */
  #read<Value>(name: (typeof MEMBERS)[number], read: (json: JsonReader) => Value): Value | null {
    const { json, table, row } = this.#position;
    const member = MEMBERS.indexOf(name);
    return table.endOf(row, member) === 0 ? null : json.readAgain(table.startOf(row, member), read);
  }
}

const readValue = (json: JsonReader): unknown => json.value();

const USER_ID = MEMBERS.indexOf('userId');
const IDENTITIES = MEMBERS.indexOf('identities');

/** Estimated response bytes per user and per identity, used to size the tables. */
const BYTES_PER_USER = 3_000;
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
  const tables = tablesFor(json.bytes.length);
  json.enter();
  while (json.nextItem()) {
    const user = readUser(json, tables);
    if (user !== null) users.push(user);
  }
  return users;
}

/** The positions of all users of a response, and of their identities. */
interface Tables {
  users: MemberTable;
  identities: IdentityRows;
}

/** @param bytes Length of the response. */
function tablesFor(bytes: number): Tables {
  return {
    users: new MemberTable(WHOLE + 1, Math.ceil(bytes / BYTES_PER_USER)),
    identities: new IdentityRows(Math.ceil(bytes / BYTES_PER_IDENTITY)),
  };
}

/** @param hasProfiles Default: true. */
function readUser(json: JsonReader, { users, identities: rows }: Tables, hasProfiles?: boolean): UserRecord | null {
  if (json.kind() !== 'object') {
    json.skip();
    return null;
  }
  const row = users.addRow();
  const wholeStart = json.position;
  let id: string | null = null;
  let identities: IdentityList | UnusableColumn = IdentityList.EMPTY;
  let index = 0;
  json.enter();
  for (let member = KEYS.next(json, index); member !== END_OF_OBJECT; member = KEYS.next(json, ++index)) {
    const start = json.position;
    if (member === USER_ID) id = readText(json);
    else if (member === IDENTITIES) identities = IdentityList.read(json, rows);
    else json.skip();
    if (member !== OTHER_KEY) users.set(row, member, start, json.position);
  }
  users.set(row, WHOLE, wholeStart, json.position);
  return id === null ? null : new UserRecord(id, identities, { json, table: users, row }, hasProfiles);
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
