import { type JSONObject, JsonReader, type JsonWriter, type WordBytes } from '../json';
import { IdentityRows, Member } from './identityRows';
import { labelOf, plainLabelIn } from './label';
import type { MemberTable } from './memberTable';
import { type Account, distinctRows, readOddRows, toPlainJson } from './oddRows';
import { writePlainProfile } from './plainProfile';
import { readProfile } from './profile';

/**
 * A link between a user and an identity source.
 *
 * @see docs/genauth-api.md#identity
 */
export interface Identity {
  id: string;
  extIdpId: string | null;
  provider: string | null;
  type: string;
  userIdInIdp: string | null;
  /** Without credentials, at any depth. Null when GenAuth sent no object. */
  userInfoInIdp: JSONObject | null;
  originConnIds: readonly string[];
}

/** The member of the wire format that holds each field of an identity. */
const MEMBER_OF: Readonly<Record<keyof Identity, number>> = {
  id: Member.identityId,
  extIdpId: Member.extIdpId,
  provider: Member.provider,
  type: Member.type,
  userIdInIdp: Member.userIdInIdp,
  userInfoInIdp: Member.userInfoInIdp,
  originConnIds: Member.originConnIds,
};

/** Whether a name is a field of an identity. */
export function isIdentityField(name: string): name is keyof Identity {
  return Object.hasOwn(MEMBER_OF, name);
}

/** The column that makes the identities of a user unusable; `identities` if there are no rows at all. */
export type UnusableColumn = 'identities' | 'identityId';

/** Writes the value of a field that is not a column of GenAuth's row. */
export type ComputedField = (identities: IdentityList, index: number, out: JsonWriter) => void;

/** How each identity is written: for each field what precedes it, and at the end what follows the last one. */
export interface RowTemplate {
  fields: readonly { before: WordBytes; field: keyof Identity | ComputedField }[];
  after: WordBytes;
}

/**
 * The identities of one user, as positions in the bytes of GenAuth's response. All of them have been validated. Objects are
 * made on demand: most lists are only copied to a response.
 *
 * @see docs/decisions/0014-json-in-place.md
 */
export class IdentityList {
  static readonly EMPTY = IdentityList.#readOdd(Buffer.from('[]')) as IdentityList;

  readonly length: number;
  /** The response. */
  readonly #json: JsonReader;
  readonly #rows: MemberTable;
  /** Number of the first row of this list. */
  readonly #first: number;
  #objects: readonly Identity[] | undefined;
  #extIdpIds: readonly (string | null)[] | undefined;
  /** The texts of profiles that were written, so that each is parsed once. */
  #profiles: Map<number, string> | undefined;

  private constructor(json: JsonReader, rows: MemberTable, first: number, end: number) {
    this.#json = json;
    this.#rows = rows;
    this.#first = first;
    this.length = end - first;
  }

  /**
   * Reads the member `identities` of a user.
   *
   * Rows with unexpected columns are written again as plain rows, so that everything else knows plain rows only. A row that
   * cannot be used is never skipped: a missing row would look like an identity that has been unlinked.
   *
   * @param rows Default: its own. All lists of one response can share their rows.
   * @returns The column that makes the list unusable, if there is one.
   * @see docs/genauth-api.md#unexpected-columns
   */
  static read(json: JsonReader, rows = new IdentityRows()): IdentityList | UnusableColumn {
    const start = json.position;
    if (json.kind() === 'array') {
      const first = rows.count;
      if (indexRows(json, rows) && !rows.hasRepeatedId(json.bytes, first)) {
        return new IdentityList(json, rows, first, rows.count);
      }
    } else json.skip();
    return IdentityList.#readOdd(json.bytes.subarray(start, json.position));
  }

  static #readOdd(bytes: Buffer): IdentityList | UnusableColumn {
    const odd = JsonReader.read(bytes, readOddRows);
    if (odd === null) return 'identities';
    const distinct = distinctRows(odd);
    if (distinct === null) return 'identityId';
    const plain = toPlainJson(distinct);
    const rows = new IdentityRows(distinct.length);
    return JsonReader.read(plain, (json) => {
      indexRows(json, rows);
      return new IdentityList(json, rows, 0, rows.count);
    });
  }

  toArray(): readonly Identity[] {
    this.#objects ??= Array.from({ length: this.length }, (_, index) => {
      return {
        id: this.text(index, 'id'),
        extIdpId: this.text(index, 'extIdpId'),
        provider: this.text(index, 'provider'),
        type: this.text(index, 'type'),
        userIdInIdp: this.text(index, 'userIdInIdp'),
        userInfoInIdp: this.userInfoInIdp(index),
        originConnIds: this.originConnIds(index),
      };
    });
    return this.#objects;
  }

  accounts(): Account[] {
    return Array.from({ length: this.length }, (_, index) => new RowAccount(this, index));
  }

  /** Returns a list of the identities that a function selects. */
  filter(isKept: (account: Account) => boolean): IdentityList {
    const kept = [...this.accounts().entries()].filter(([, account]) => isKept(account));
    const rows = this.#rows.pick(kept.map(([index]) => this.#first + index));
    return new IdentityList(this.#json, rows, 0, rows.count);
  }

  /** Returns the value of a field that is a text. */
  text(index: number, field: 'id' | 'type'): string;
  text(index: number, field: 'extIdpId' | 'provider' | 'userIdInIdp'): string | null;
  text(index: number, field: 'id' | 'extIdpId' | 'provider' | 'type' | 'userIdInIdp'): string | null {
    return this.#value(index, MEMBER_OF[field]) as string | null;
  }

  extIdpId(index: number): string | null {
    this.#extIdpIds ??= Array.from({ length: this.length }, (_, row) => this.text(row, 'extIdpId'));
    return this.#extIdpIds[index] ?? null;
  }

  originConnIds(index: number): readonly string[] {
    return (this.#value(index, Member.originConnIds) ?? []) as string[];
  }

  /** @see labelOf */
  label(index: number): string | null {
    const row = this.#first + index;
    if (this.#rows.endOf(row, Member.userInfoInIdp) === 0) return null;
    const account = new RowAccount(this, index);
    return plainLabelIn(this.#json, this.#rows.startOf(row, Member.userInfoInIdp), account) ?? labelOf(account);
  }

  /** Returns the number of bytes of a field's values, as GenAuth wrote them. */
  bytesOf(field: keyof Identity): number {
    const member = MEMBER_OF[field];
    let bytes = 0;
    for (let row = this.#first; row < this.#first + this.length; row++) {
      const end = Math.abs(this.#rows.endOf(row, member));
      if (end > 0) bytes += end - this.#rows.startOf(row, member);
    }
    return bytes;
  }

  /** Writes a JSON array of all identities. Every value is written as `JSON.stringify` would write it. */
  write({ fields, after }: RowTemplate, out: JsonWriter): void {
    const members = fields.map(({ field }) => (typeof field === 'string' ? MEMBER_OF[field] : field));
    out.literal('[');
    for (let index = 0; index < this.length; index++) {
      if (index > 0) out.literal(',');
      for (let column = 0; column < fields.length; column++) {
        const { before } = fields[column] as (typeof fields)[number];
        out.copy(before, 0, before.bytes.length);
        const member = members[column] as number | ComputedField;
        if (typeof member === 'number') this.#writeMember(index, member, out);
        else member(this, index, out);
      }
      out.copy(after, 0, after.bytes.length);
    }
    out.literal(']');
  }

  #writeMember(index: number, member: number, out: JsonWriter): void {
    const row = this.#first + index;
    const start = this.#rows.startOf(row, member);
    const end = this.#rows.endOf(row, member);
    if (end === 0) out.literal(member === Member.originConnIds ? '[]' : 'null');
    else if (member === Member.userInfoInIdp) this.#writeProfile(index, start, Math.abs(end), out);
    else if (end > 0) out.copy(this.#json, start, end);
    else out.value(this.#value(index, member));
  }

  #writeProfile(index: number, start: number, end: number, out: JsonWriter): void {
    if (!writePlainProfile(this.#json, start, end, out)) out.text(this.#profile(index));
  }

  /** @returns null for a missing value. */
  #value(index: number, member: number): unknown {
    return this.#rows.valueOf(this.#json.bytes, this.#first + index, member);
  }

  /** Returns the JSON of a profile, without credentials. */
  #profile(index: number): string {
    this.#profiles ??= new Map();
    let text = this.#profiles.get(index);
    if (text === undefined) {
      text = JSON.stringify(this.userInfoInIdp(index));
      this.#profiles.set(index, text);
    }
    return text;
  }

  userInfoInIdp(index: number): JSONObject | null {
    const row = this.#first + index;
    const end = Math.abs(this.#rows.endOf(row, Member.userInfoInIdp));
    if (end === 0) return null;
    return readProfile(this.#json.bytes.subarray(this.#rows.startOf(row, Member.userInfoInIdp), end));
  }
}

/** The account of an identity. Its columns are read when they are used: most decisions need one or two of them. */
class RowAccount implements Account {
  readonly #identities: IdentityList;
  readonly #index: number;

  constructor(identities: IdentityList, index: number) {
    this.#identities = identities;
    this.#index = index;
  }

  get id(): string {
    return this.#identities.text(this.#index, 'id');
  }

  get extIdpId(): string | null {
    return this.#identities.extIdpId(this.#index);
  }

  get type(): string {
    return this.#identities.text(this.#index, 'type');
  }

  get provider(): string | null {
    return this.#identities.text(this.#index, 'provider');
  }

  get userIdInIdp(): string | null {
    return this.#identities.text(this.#index, 'userIdInIdp');
  }

  get userInfoInIdp(): JSONObject | null {
    return this.#identities.userInfoInIdp(this.#index);
  }

  get originConnIds(): readonly string[] {
    return this.#identities.originConnIds(this.#index);
  }
}

/** Reads a JSON array. @returns Whether all of its items are plain rows. */
function indexRows(json: JsonReader, rows: IdentityRows): boolean {
  let arePlain = true;
  json.enter();
  while (json.nextItem()) arePlain = rows.read(json) && arePlain;
  return arePlain;
}
