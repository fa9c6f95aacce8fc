import type { DataOf, UserDto } from '../genauth/api';
import { API_CODE, Refusal } from './envelope';
import { findUser } from './lookup';
import { batchOf, textOf, userIdTypeOf } from './parameters';
import type { RequestData } from './request';
import type { StoredUser } from './store';
import type { Switches } from './switches';
import type { UserPool } from './userPool';
import { identitiesAsRead, toIdentities, toUserDto } from './userResponse';

/** @see docs/genauth-api.md#get-user */
export function getUser(pool: UserPool, request: RequestData): DataOf<'GET /api/v3/get-user'> {
  const user = namedUser(pool, request);
  return toUserDto(user, request, pool.switches, identitiesAsRead(pool, user));
}

/** @see docs/genauth-api.md#get-user-batch */
export function getUserBatch(pool: UserPool, request: RequestData): DataOf<'GET /api/v3/get-user-batch'> {
  const { store, switches } = pool;
  const given = batchOf(request, 'userIds', switches.batchEncodings);
  const type = userIdTypeOf(request);
  const userIds = switches.batchDuplicates === 'once' ? [...new Set(given)] : given;
  const found = userIds.map((userId) => findUser(pool, userId, type));
  if (switches.batchUnknown === '404' && found.includes(undefined)) throw userMissing(switches);
  if (switches.batchOrder === 'reversed') found.reverse();
  if (switches.batchOrder === 'stored') {
    const places = new Map(store.users().map((user, place) => [user, place]));
    const place = (user: StoredUser | undefined) => (user === undefined ? Infinity : (places.get(user) ?? Infinity));
    found.sort((a, b) => place(a) - place(b));
  }
  const rows = found.map((user) =>
    user === undefined ? null : toUserDto(user, request, switches, identitiesAsRead(pool, user)),
  );
  // The type says what GenAuth documents. The switch adds the null that GenAuth may send.
  return (switches.batchUnknown === 'null' ? rows : rows.filter((row) => row !== null)) as UserDto[];
}

/** @see docs/genauth-api.md#get-user-identities */
export function getUserIdentities(pool: UserPool, request: RequestData): DataOf<'GET /api/v3/get-user-identities'> {
  const user = namedUser(pool, request);
  const identities = toIdentities(user, identitiesAsRead(pool, user), pool.switches);
  // The type says what GenAuth documents. A pool can hold what GenAuth may send instead.
  return identities as DataOf<'GET /api/v3/get-user-identities'>;
}

/** @see docs/genauth-api.md#get-user-identities */
export function getUserLoggedInIdentities(
  pool: UserPool,
  request: RequestData,
): DataOf<'GET /api/v3/get-user-logged-in-identities'> {
  const { store, switches } = pool;
  const user = namedUser(pool, request);
  const linked = new Set(user.identities.map(({ extIdpId }) => extIdpId));
  return [...user.loggedInWith]
    .filter(([extIdpId]) => switches.loggedInHistory === 'kept' || linked.has(extIdpId))
    .map(([extIdpId, identityId]) => {
      const { name = '', type = '', logo = '' } = store.extIdp(extIdpId) ?? {};
      const idpId = switches.loggedInIdpId === 'source' ? extIdpId : identityId;
      return { identityId, idpName: name, idpNameEn: type, idpLogo: logo, idpId };
    });
}

/**
 * Finds the user that a request names.
 *
 * @param options Default: the request. The object whose `userIdType` says how the user is named.
 * @throws {Refusal} 404: there is no such user.
 */
export function namedUser(pool: UserPool, request: RequestData, options: RequestData = request): StoredUser {
  const user = findUser(pool, textOf(request, 'userId'), userIdTypeOf(options));
  if (user === undefined) throw userMissing(pool.switches);
  return user;
}

export function userMissing(switches: Switches): Refusal {
  return new Refusal(404, 'userMissing', {
    apiCode: switches.userMissingApiCode === 'present' ? API_CODE.userMissing : undefined,
  });
}
