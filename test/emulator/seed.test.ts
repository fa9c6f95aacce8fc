import { readSeed } from '../../src/emulator';

const SECRET = 'sensitive-value';

function problemsOf(seed: unknown): string {
  try {
    readSeed(seed);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
  return 'none';
}

const source = { id: 's', name: 'S', type: 'oidc' };

describe('a seed', () => {
  test('is accepted with every member', () => {
    const seed = {
      extIdps: [{ ...source, connections: [{ id: 'c', identifier: 'conn', type: 't', displayName: 'd' }] }],
      applications: [
        { id: 'a', name: 'A', basicLoginMethods: ['PHONE_CODE'], connections: ['conn'], disabledConnections: [] },
      ],
      users: [
        {
          ...{ id: 'u', name: 'n', nickname: 'n', username: 'n', email: 'e', phone: '1', externalId: 'x' },
          ...{ status: 'Suspended', emailVerified: false, phoneVerified: true, hasPassword: true, customData: {} },
          identities: [
            {
              ...{ id: 'i', extIdpId: 's', provider: 'p', type: 't', userIdInIdp: '1', userInfoInIdp: {} },
              ...{ photoKiB: 1, accessToken: 'a', refreshToken: 'r', originConnIds: ['c'] },
            },
          ],
          ...{ rawIdentities: [null, 7], identitiesAs: 'text', rawMembers: {}, signedInApps: ['a'] },
        },
      ],
    };
    expect(readSeed(seed)).toEqual(seed);
  });

  test.each([
    [SECRET, 'seed must be an object'],
    [{ extIdps: [], users: SECRET }, 'seed.users must be a list'],
    [{ extIdps: [], users: [], [`key`]: SECRET }, 'seed has no "key"; it has extIdps, applications, users'],
    [{ extIdps: [{ name: '', type: 'x' }], users: [] }, 'seed.extIdps[0].name must be a text that is not empty'],
    [{ extIdps: [source, source], users: [] }, 'seed.extIdps[1].id must be an id that no other entry has'],
    [{ extIdps: [], users: [{ hasPassword: SECRET }] }, 'seed.users[0].hasPassword must be true or false'],
    [{ extIdps: [], users: [{ status: SECRET }] }, 'seed.users[0].status must be one of Suspended, Resigned'],
    [{ extIdps: [], users: [{ rawMembers: [SECRET] }] }, 'seed.users[0].rawMembers must be an object'],
    [
      { extIdps: [source], users: [{ identities: [{ extIdpId: 's', userIdInIdp: '1', photoKiB: -1 }] }] },
      'seed.users[0].identities[0].photoKiB must be a number from 0',
    ],
    [{ extIdps: [], users: [{ signedInApps: [SECRET] }] }, 'seed.users[0].signedInApps[0] must be the id of one of'],
    [
      { extIdps: [source], applications: [{ name: 'A', connections: [SECRET] }], users: [] },
      'seed.applications[0].connections[0] must be the identifier of a connection',
    ],
  ])('is refused without repeating its values: %#', (seed, message) => {
    const problems = problemsOf(seed);
    expect(problems).toContain(message);
    expect(problems).not.toContain(SECRET);
  });

  test('is refused with all its problems at once', () => {
    expect(problemsOf({ extIdps: [{ name: 7, type: 7 }], users: [7] })).toBe(
      'seed.extIdps[0].name must be a text; seed.extIdps[0].type must be a text; seed.users[0] must be an object',
    );
  });
});
