import { isObject } from '../json';

/**
 * What a user pool starts with, as a person would write it. Ids that are left out are made up.
 */
export interface Seed {
  extIdps: SeedExtIdp[];
  users: SeedUser[];
}

/** An identity source, with its connections. */
export interface SeedExtIdp {
  /** Default: made up. */
  id?: string;
  name: string;
  /** The provider, such as `wechat` or `azure-ad`. */
  type: string;
  /** Default: one connection. */
  connections?: { id?: string; identifier: string; type?: string; displayName?: string }[];
}

export interface SeedUser {
  /** Default: made up. */
  id?: string;
  name?: string;
  nickname?: string;
  username?: string;
  email?: string;
  phone?: string;
  externalId?: string;
  /** Default false. */
  hasPassword?: boolean;
  customData?: Record<string, unknown>;
  /** Default: none. */
  identities?: SeedIdentity[];
}

export interface SeedIdentity {
  /** Default: made up. */
  id?: string;
  /** The id of a source of the same seed. */
  extIdpId: string;
  /** Default `generic`. */
  type?: string;
  userIdInIdp: string;
  userInfoInIdp?: Record<string, unknown>;
  accessToken?: string;
  refreshToken?: string;
}

type Shape = { readonly [field: string]: Check };
type Check = (value: unknown, path: string) => void;

const text: Check = (value, path) =>
  expect(typeof value === 'string' && value !== '', path, 'a text that is not empty');
const flag: Check = (value, path) => expect(typeof value === 'boolean', path, 'true or false');
const object: Check = (value, path) => expect(isObject(value), path, 'an object');

function expect(condition: boolean, path: string, expectation: string): void {
  if (!condition) throw new TypeError(`${path} must be ${expectation}`);
}

function list(item: Check): Check {
  return (value, path) => {
    expect(Array.isArray(value), path, 'a list');
    for (const [index, entry] of (value as unknown[]).entries()) item(entry, `${path}[${index}]`);
  };
}

function record(required: Shape, optional: Shape): Check {
  return (value, path) => {
    object(value, path);
    const fields = value as Record<string, unknown>;
    for (const [name, check] of Object.entries(required)) check(fields[name], `${path}.${name}`);
    for (const [name, field] of Object.entries(fields)) {
      if (Object.hasOwn(required, name)) continue;
      const check = Object.hasOwn(optional, name) ? optional[name] : undefined;
      if (check === undefined) {
        throw new TypeError(`${path} has no "${name}"; it has ${Object.keys({ ...required, ...optional }).join(', ')}`);
      }
      check(field, `${path}.${name}`);
    }
  };
}

const checkSeed = record(
  {
    extIdps: list(
      record(
        { name: text, type: text },
        { id: text, connections: list(record({ identifier: text }, { id: text, type: text, displayName: text })) },
      ),
    ),
    users: list(
      record(
        {},
        {
          id: text,
          name: text,
          nickname: text,
          username: text,
          email: text,
          phone: text,
          externalId: text,
          hasPassword: flag,
          customData: object,
          identities: list(
            record(
              { extIdpId: text, userIdInIdp: text },
              { id: text, type: text, userInfoInIdp: object, accessToken: text, refreshToken: text },
            ),
          ),
        },
      ),
    ),
  },
  {},
);

/**
 * Checks that a parsed JSON file is a seed.
 *
 * @throws {TypeError} naming the path inside the file and what belongs there, never the value.
 */
export function readSeed(value: unknown): Seed {
  checkSeed(value, 'seed');
  const seed = value as Seed;
  const sources = unique(seed.extIdps, 'seed.extIdps');
  unique(seed.users, 'seed.users');
  const holders = new Map<string, number>();
  for (const [index, user] of seed.users.entries()) {
    for (const [row, { extIdpId, type = 'generic', userIdInIdp }] of (user.identities ?? []).entries()) {
      const path = `seed.users[${index}].identities[${row}]`;
      expect(sources.has(extIdpId), `${path}.extIdpId`, 'the id of one of seed.extIdps');
      const identity = JSON.stringify([extIdpId, type, userIdInIdp]);
      expect((holders.get(identity) ?? index) === index, path, 'an identity that no other user holds');
      holders.set(identity, index);
    }
  }
  return seed;
}

function unique(entries: readonly { id?: string }[], path: string): Set<string> {
  const ids = new Set<string>();
  for (const [index, { id }] of entries.entries()) {
    if (id === undefined) continue;
    expect(!ids.has(id), `${path}[${index}].id`, 'an id that no other entry has');
    ids.add(id);
  }
  return ids;
}
