import type { UserIdType } from '../genauth/api';
import { malformed } from './envelope';
import { columnText } from './rows';
import type { RequestData } from './request';
import type { Store, StoredUser } from './store';
import type { UserPool } from './userPool';
import { identitiesAsRead } from './userResponse';

/**
 * Finds the user that a look-up names. `identity` and `sync_relation` see identities as late as other reads do.
 *
 * @throws {Refusal} 400: the name cannot be of this kind, for example an e-mail address without `@`.
 */
export function findUser(pool: UserPool, userId: string, type: UserIdType): StoredUser | undefined {
  switch (type) {
    case 'user_id':
      return pool.store.user(userId);
    case 'external_id':
      return withProfile(pool, 'externalId', userId);
    case 'username':
      return withProfile(pool, 'username', userId);
    case 'email':
      if (!/^[^@\s]+@[^@\s]+$/.test(userId)) throw malformed('userId');
      return withProfile(pool, 'email', userId.toLowerCase());
    case 'phone':
      if (!/^\+?[\d -]{5,20}$/.test(userId)) throw malformed('userId');
      return withProfile(pool, 'phone', userId);
    case 'identity':
      return withIdentity(pool, 'extIdpId', userId);
    case 'sync_relation':
      return withIdentity(pool, 'provider', userId);
    case 'custom_field': {
      const [field, value] = halves(userId);
      return pool.store.users().find((user) => String(user.customData[field]) === value);
    }
  }
}

function withProfile({ store }: UserPool, field: 'externalId' | 'username' | 'email' | 'phone', value: string) {
  return store.users().find((user) => user.profile[field] === value);
}

function withIdentity(pool: UserPool, column: 'extIdpId' | 'provider', name: string) {
  const [where, who] = halves(name);
  return pool.store
    .users()
    .find((user) =>
      identitiesAsRead(pool, user).some(
        (row) => columnText(row, column) === where && columnText(row, 'userIdInIdp') === who,
      ),
    );
}

/** Splits `<where>:<who>`. Only the second part may contain further colons. */
function halves(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw malformed('userId');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** Whether a request names a user: by the user's id, or by an account of the user in a reverse look-up. */
export function namesUser(store: Store, request: RequestData, names: readonly string[], userId: string): boolean {
  if (names.includes(userId)) return true;
  if (request['userIdType'] !== 'identity') return false;
  return store
    .identitiesOf(userId)
    .some((row) => names.includes(`${columnText(row, 'extIdpId')}:${columnText(row, 'userIdInIdp')}`));
}
