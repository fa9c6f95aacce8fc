import { ManagementUnreachableError, parseAccountId, type UserRecord } from '../../src/genauth';
import { createIdParser } from '../../src/genauth/ids';
import { findOwners, type SourceAccount } from '../../src/genauth/owners';
import { readUser, userOf } from '../support/identities';

const parseId = createIdParser('[a-z]+');

function account(extIdpId: string, userIdInIdp: string): SourceAccount {
  return { extIdpId: parseId('extIdpId', extIdpId), userIdInIdp: parseAccountId('userIdInIdp', userIdInIdp) };
}

function user(id: string, ...accounts: [extIdpId: unknown, userIdInIdp: unknown][]): UserRecord {
  return userOf(
    id,
    accounts.map(([extIdpId, userIdInIdp], index) => ({ identityId: `${id}${index}`, extIdpId, userIdInIdp })),
  );
}

/** The id of each owner, null, or the reason of an error. */
function ownersOf(accounts: readonly SourceAccount[], users: readonly UserRecord[]): (string | null)[] {
  return findOwners(accounts, users).map((owner) =>
    owner instanceof ManagementUnreachableError ? owner.reason : (owner?.id ?? null),
  );
}

describe('the owners of accounts', () => {
  const accounts = [account('github', '1'), account('github', '2'), account('wechat', '1')];

  test('are found by the identities of users, in any order', () => {
    const ada = user('ada', ['github', '2'], ['google', '9']);
    const lin = user('lin', ['wechat', '1'], ['github', '1']);
    expect(ownersOf(accounts, [ada, lin])).toEqual(['lin', 'ada', 'lin']);
    expect(ownersOf(accounts, [lin, ada, lin])).toEqual(['lin', 'ada', 'lin']);
  });

  test('are null for accounts that no user holds', () => {
    expect(ownersOf(accounts, [])).toEqual([null, null, null]);
    expect(ownersOf(accounts, [user('ada', ['github', '2'])])).toEqual([null, 'ada', null]);
  });

  test('are found by ids that are numbers in GenAuth’s response', () => {
    expect(ownersOf(accounts, [user('ada', ['github', 2])])).toEqual([null, 'ada', null]);
  });

  test('are not known if the response has a user who holds none of the accounts', () => {
    const ada = user('ada', ['github', '2']);
    expect(ownersOf(accounts, [ada, user('lin', ['github', '3'])])).toEqual(['mismatch', 'ada', 'mismatch']);
    expect(ownersOf(accounts, [ada, user('lin')])).toEqual(['mismatch', 'ada', 'mismatch']);
  });

  test('are not known if the response does not say which identities a user has', () => {
    const silent = readUser({ userId: 'lin' });
    expect(ownersOf(accounts, [silent])).toEqual(['mismatch', 'mismatch', 'mismatch']);
  });
});
