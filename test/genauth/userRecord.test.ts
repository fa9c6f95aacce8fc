import { readUsers, type UserRecord } from '../../src/genauth/userRecord';
import type { Account } from '../../src/genauth';
import { JsonReader } from '../../src/json';
import { readUser } from '../support/identities';

const USER = 'b'.repeat(24);
const ROW = { identityId: 'i1', extIdpId: 's1', type: 'openid', originConnIds: ['c1'] };

/** Reads users from the `data` of GenAuth's response. */
function readAll(users: unknown): UserRecord[] | null {
  return JsonReader.read(Buffer.from(JSON.stringify(users)), readUsers);
}

function readOne(user: object): UserRecord {
  return readUser({ userId: USER, ...user });
}

/** A value of every kind that a column can have. */
const KINDS: readonly unknown[] = [undefined, null, '', 'text', '["a","b"]', 7, 12.5, true, ['a', 1, null], { a: 1 }];

const COLUMNS = [
  'identityId',
  'extIdpId',
  'provider',
  'type',
  'userIdInIdp',
  'userInfoInIdp',
  'originConnIds',
] as const;

/** The rule for texts, as a table by kind. */
function text(value: unknown, missing: string | null): string | null {
  const table: Record<string, () => string | null> = {
    number: () => `${value as number}`,
    string: () => ((value as string).length > 0 ? (value as string) : missing),
  };
  return table[typeof value]?.() ?? missing;
}

function texts(value: unknown): string[] {
  if (value === '["a","b"]') return ['a', 'b'];
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(String);
  return [text(value, null)].filter((each) => each !== null);
}

/** Reads all columns, which are getters. */
function columnsOf({ id, extIdpId, type, userIdInIdp, originConnIds }: Account): Account {
  return { id, extIdpId, type, userIdInIdp, originConnIds };
}

describe('the accounts of a user', () => {
  test('are read from rows with any kind of value in any two columns', () => {
    const plain = {
      identityId: 'i1',
      extIdpId: 's1',
      provider: 'p',
      type: 't1',
      userIdInIdp: 'u',
      originConnIds: ['c1'],
    };
    let unusable = 0;
    for (const first of COLUMNS) {
      for (const second of COLUMNS) {
        for (const a of KINDS) {
          for (const b of KINDS) {
            const row: Record<string, unknown> = { ...plain, [first]: a, [second]: b };
            const user = readOne({ identities: [{ ...plain, identityId: 'i0' }, row] });
            const id = text(row['identityId'], null);
            const account = {
              id,
              extIdpId: text(row['extIdpId'], null),
              type: text(row['type'], 'generic'),
              userIdInIdp: text(row['userIdInIdp'], null),
              originConnIds: texts(row['originConnIds']),
            };
            const { identityId: _id, provider: _provider, ...rest } = plain;
            const neighbour = { id: 'i0', ...rest };
            expect(user.accounts()?.map(columnsOf)).toEqual([neighbour, account]);
            expect(user.unusableColumn).toBe(id === null ? 'identityId' : null);
            expect(user.identities?.accounts().map(columnsOf) ?? null).toEqual(
              id === null ? null : [neighbour, account],
            );
            unusable += id === null ? 1 : 0;
          }
        }
      }
    }
    expect(unusable).toBeGreaterThan(100);
  });

  test.each<[string, unknown, number | null]>([
    ['a list', [ROW, ROW], 1],
    ['a list with a row without an id', [ROW, { extIdpId: 's2' }], 2],
    ['a list with two identities of one id', [ROW, { ...ROW, type: 'unionid' }], 2],
    ['a list with null rows', [null, ROW], 1],
    ['a list of other values', ['text', 1, []], 3],
    ['one object', ROW, 1],
    ['a text', JSON.stringify([ROW]), 1],
    ['null', null, 0],
    ['an empty list', [], 0],
    ['missing', undefined, null],
    ['a number', 1, null],
    ['a boolean', false, null],
    ['a text that is not JSON', 'text', null],
  ])('when identities is %s', (_title, identities, count) => {
    expect(readOne({ identities }).accounts()?.length ?? null).toBe(count);
  });

  test('are unknown, and the identities are empty, when the member is missing', () => {
    const user = readOne({ status: 'Activated' });
    expect(user.identities?.length).toBe(0);
    expect(user.accounts()).toBeNull();
  });
});

describe('the sign-in columns of a user', () => {
  const NOTHING = {
    status: null,
    username: null,
    email: null,
    emailVerified: false,
    phone: null,
    phoneVerified: false,
    passwordLastSetAt: null,
  };

  test('are read from members in any order, with escapes, and the last one of those that are repeated', () => {
    const bodies = [
      String.raw`{"userId":"u1","email":"a@example.com","status":"Activated","emailVerified":true}`,
      String.raw`{"emailVerified":true,"status":"Activated","email":"a@example.com","userId":"u2"}`,
      String.raw`{"email":"b","email":"a@example.com","status":null,"emailVerified":false,"userId":"u3","emailVerified": true , "status" : "Activated"}`,
    ];
    for (const body of [`[${bodies.join()}]`, `[${bodies.toReversed().join()}]`]) {
      const users = JsonReader.read(Buffer.from(body), readUsers) ?? [];
      expect(users.map(({ id }) => id).toSorted()).toEqual(['u1', 'u2', 'u3']);
      for (const user of users) {
        const columns = { ...NOTHING, status: 'Activated', email: 'a@example.com', emailVerified: true };
        expect(user).toMatchObject(columns);
        expect(user.copyWithoutProfiles()).toMatchObject(columns);
      }
    }
  });

  test('are read from any kind of value', () => {
    for (const name of ['status', 'username', 'email', 'phone', 'passwordLastSetAt']) {
      for (const value of KINDS) {
        expect(readOne({ [name]: value })).toMatchObject({ ...NOTHING, [name]: text(value, null) });
      }
    }
    for (const name of ['emailVerified', 'phoneVerified']) {
      for (const value of [...KINDS, 'true', 1, false]) {
        expect(readOne({ [name]: value })).toMatchObject({ ...NOTHING, [name]: value === true });
      }
    }
  });
});

describe('a list of users', () => {
  test('skips null and users without an id', () => {
    expect(readAll([null, {}, { userId: null }, { userId: 5 }, 'text', [1]])?.map(({ id }) => id)).toEqual(['5']);
  });

  test.each([null, 1, 'text', { userId: USER }])('cannot be %j', (users) => {
    expect(readAll(users)).toBeNull();
  });
});
