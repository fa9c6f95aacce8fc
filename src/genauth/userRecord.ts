import { JsonReader } from '../json';
import { DEFAULT_TYPE, readText, readTexts } from './columns';
import { IdentityList } from './identity';
import { IdentityRows } from './identityRows';

/** The columns of an identity that decide whether an unlink removes it. They can be read even if other columns cannot. */
export interface Account {
  /** Null for a row without an id. */
  readonly id: string | null;
  /** Null for a row that names no source. */
  readonly extIdpId: string | null;
  readonly type: string;
  /** Null for a row without an account. */
  readonly userIdInIdp: string | null;
  readonly originConnIds: readonly string[];
}

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

/**
 * A user, as one response of GenAuth has it. Only the identities are checked when the response is read. The rest is read from
 * the same bytes when it is needed, because most requests need identities alone.
 */
export class UserRecord {
  readonly id: string;
  /** Null if one of them cannot be read. Empty if the response has no member `identities`. */
  readonly identities: IdentityList | null;
  readonly #bytes: Buffer;

  /** @param bytes The JSON of the user. */
  constructor(id: string, identities: IdentityList | null, bytes: Buffer) {
    this.id = id;
    this.identities = identities;
    this.#bytes = bytes;
  }

  /** Returns every identity of the user, or null if the response does not say which there are. */
  accounts(): readonly Account[] | null {
    let accounts: Account[] | null = null;
    JsonReader.read(this.#bytes, (json) =>
      eachMember(json, () => {
        if (!json.isKey('identities')) return json.skip();
        accounts = readAccounts(json);
        return undefined;
      }),
    );
    return accounts;
  }

  signInColumns(): SignInColumns {
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
  let identities: IdentityList | null = IdentityList.EMPTY;
  eachMember(json, () => {
    if (json.isKey('userId')) id = readText(json);
    else if (json.isKey('identities')) identities = readIdentities(json, rows);
    else json.skip();
  });
  return id === null ? null : new UserRecord(id, identities, json.bytes.subarray(start, json.position));
}

function readIdentities(json: JsonReader, rows: IdentityRows): IdentityList | null {
  if (json.kind() !== 'null') return IdentityList.read(json, rows);
  json.skip();
  return IdentityList.EMPTY;
}

/** @returns null if it is neither a list, nor one identity, nor null. */
function readAccounts(json: JsonReader): Account[] | null {
  const accounts: Account[] = [];
  const kind = json.kind();
  if (kind === 'object') accounts.push(readAccount(json));
  else if (kind === 'array') {
    json.enter();
    while (json.nextItem()) {
      if (json.kind() === 'object') accounts.push(readAccount(json));
      else json.skip();
    }
  } else {
    json.skip();
    return kind === 'null' ? [] : null;
  }
  return accounts;
}

function readAccount(json: JsonReader): Account {
  let id: string | null = null;
  let extIdpId: string | null = null;
  let type = DEFAULT_TYPE;
  let userIdInIdp: string | null = null;
  let originConnIds: string[] = [];
  eachMember(json, () => {
    if (json.isKey('identityId')) id = readText(json);
    else if (json.isKey('extIdpId')) extIdpId = readText(json);
    else if (json.isKey('type')) type = readText(json) ?? DEFAULT_TYPE;
    else if (json.isKey('userIdInIdp')) userIdInIdp = readText(json);
    else if (json.isKey('originConnIds')) originConnIds = readTexts(json);
    else json.skip();
  });
  return { id, extIdpId, type, userIdInIdp, originConnIds };
}

/** @param readMember Reads the value of the key that was read last. */
function eachMember(json: JsonReader, readMember: () => void): void {
  json.enter();
  while (json.nextKey()) readMember();
}
