import type { DataOf, Route, UserDto } from '../genauth/api';
import { isAccessKey } from './authentication';
import { API_CODE, malformed, Refusal } from './envelope';
import { listUsers } from './listUsers';
import { findUser, toIdentityDtos, toUserDto } from './lookup';
import { optionalTextOf, type RequestData, textOf, userIdTypeOf } from './request';
import { matches, type StoredUser } from './store';
import type { Switches } from './switches';
import type { UserPool } from './userPool';

/** Checks a request, carries it out, and returns the envelope's `data`; whatever it refuses, it throws before it acts. */
type Operation<R extends Route> = (pool: UserPool, request: RequestData) => DataOf<R>;

/** What the management API can do. A route of `api.ts` that has no entry here does not compile. */
export const OPERATIONS: { readonly [R in Route]: Operation<R> } = {
  'POST /api/v3/get-management-token'({ id, key, switches, tokens, now }, request) {
    const given = { accessKeyId: textOf(request, 'accessKeyId'), accessKeySecret: textOf(request, 'accessKeySecret') };
    if (!isAccessKey(given, key)) {
      throw switches.wrongKey === '401'
        ? new Refusal(401, 'notLoggedIn', { apiCode: API_CODE.notLoggedIn })
        : new Refusal(403, 'wrongKey', { apiCode: API_CODE.wrongAccount });
    }
    const seconds = switches.tokenLifeSeconds;
    const token = tokens.issue({ accessKeyId: key.accessKeyId, userPoolId: id }, { nowMs: now(), seconds });
    return { access_token: token, expires_in: seconds };
  },

  'GET /api/v3/get-user'(pool, request) {
    return toUserDto(askedUser(pool, request), request, pool.switches);
  },

  'GET /api/v3/get-user-batch'({ store, switches }, request) {
    const userIds = batchOf(request, switches);
    const type = userIdTypeOf(request);
    const asked = switches.batchDuplicates === 'once' ? [...new Set(userIds)] : userIds;
    const found = asked.map((userId) => findUser(store, userId, type));
    if (switches.batchUnknown === '404' && found.includes(undefined)) throw userMissing(switches);
    const rows = found.map((user) => (user === undefined ? null : toUserDto(user, request, switches)));
    if (switches.batchOrder === 'reversed') rows.reverse();
    if (switches.batchOrder === 'stored') {
      const places = new Map(store.users().map((user, place) => [user.profile.userId, place]));
      const place = (row: UserDto | null) => (row === null ? Infinity : (places.get(row.userId) ?? Infinity));
      rows.sort((a, b) => place(a) - place(b));
    }
    // A null in the list is what the switch is for: the wire type says what is documented, not what may come.
    return (switches.batchUnknown === 'null' ? rows : rows.filter((row) => row !== null)) as UserDto[];
  },

  'POST /api/v3/list-users': listUsers,

  'GET /api/v3/get-user-identities'(pool, request) {
    return toIdentityDtos(askedUser(pool, request).identities, pool.switches);
  },

  'GET /api/v3/get-user-logged-in-identities'(pool, request) {
    return [...askedUser(pool, request).loggedInWith].map(([extIdpId, identityId]) => {
      const { name = '', type = '', logo = '' } = pool.store.extIdp(extIdpId) ?? {};
      return { identityId, idpName: name, idpNameEn: type, idpLogo: logo, idpId: extIdpId };
    });
  },

  'POST /api/v3/link-identity'({ store, switches }, request) {
    const userId = textOf(request, 'userId');
    const extIdpId = textOf(request, 'extIdpId');
    const userIdInIdp = textOf(request, 'userIdInIdp');
    const type = optionalTextOf(request, 'type') ?? 'generic';
    if (store.user(userId) === undefined) throw userMissing(switches);
    if (store.extIdp(extIdpId) === undefined) throw new Refusal(404, 'resourceMissing');
    const holder = store.holderOf({ extIdpId, type, userIdInIdp });
    if (holder !== undefined && holder !== userId) {
      if (switches.linkTaken === '409') throw new Refusal(409, 'alreadyBound');
      if (switches.linkTaken === '422') throw new Refusal(422, 'alreadyBound', { apiCode: API_CODE.alreadyBound });
      store.unlink({ userId: holder, extIdpId, type });
    }
    store.link(userId, { extIdpId, type, userIdInIdp });
    return { success: true };
  },

  'POST /api/v3/unlink-identity'({ store, switches }, request) {
    const userId = textOf(request, 'userId');
    const extIdpId = textOf(request, 'extIdpId');
    const named = optionalTextOf(request, 'type');
    const user = store.user(userId);
    if (user === undefined) throw userMissing(switches);
    const type = named ?? (switches.unlinkTypeDefault === 'generic' ? 'generic' : undefined);
    const target = { userId, extIdpId, ...(type === undefined ? {} : { type }) };
    const linked = user.identities.filter((row) => matches(row, target)).length;
    if (linked === 0 && switches.unlinkMissing === '404') throw new Refusal(404, 'identityMissing');
    if (linked === 0 && switches.unlinkMissing === '422') {
      throw new Refusal(422, 'identityMissing', { apiCode: API_CODE.notBound });
    }
    if (linked === 0 && switches.unlinkMissing === 'success-false') return { success: false };
    const last = linked > 0 && linked === user.identities.length && user.profile.passwordLastSetAt === null;
    if (last && switches.lastIdentityGuard === '422') {
      throw new Refusal(422, 'lastLoginMethod', { apiCode: API_CODE.lastLoginMethod });
    }
    store.recordExecution({ userId, extIdpId, type: named ?? null, removed: store.unlink(target) });
    return { success: true };
  },

  'GET /api/v3/list-ext-idp'({ store }) {
    const list = store.extIdps().map(({ id, name, logo, type }) => ({ id, name, logo, type }));
    return { totalCount: list.length, list };
  },

  'GET /api/v3/get-ext-idp'({ store }, request) {
    const extIdp = store.extIdp(textOf(request, 'id'));
    if (extIdp === undefined) throw new Refusal(404, 'resourceMissing');
    return extIdp;
  },
};

function askedUser({ store, switches }: UserPool, request: RequestData): StoredUser {
  const user = findUser(store, textOf(request, 'userId'), userIdTypeOf(request));
  if (user === undefined) throw userMissing(switches);
  return user;
}

function userMissing(switches: Switches): Refusal {
  return new Refusal(404, 'userMissing', {
    apiCode: switches.userMissingApiCode === 'present' ? API_CODE.userMissing : undefined,
  });
}

const MAX_BATCH = 50;

/** Reads the ids of a batch, in whichever of the official clients' encodings they came: a list, or one text with commas. */
function batchOf(request: RequestData, { batchEncodings }: Switches): string[] {
  const value = request['userIds'];
  const commas = batchEncodings === 'all' || batchEncodings === 'comma';
  const list: unknown[] = Array.isArray(value)
    ? value
    : typeof value === 'string' && commas
      ? value.split(',')
      : [value];
  const ids = list.filter((id) => typeof id === 'string' && id !== '') as string[];
  if (list.length > MAX_BATCH || ids.length !== list.length) throw malformed('userIds');
  return ids;
}
