import type { Answer } from '../support/stack';
import type { Row, Seen, Unlinking } from './history';

interface SeenUser {
  id: string;
  identities: Row[] | null;
}

export interface EntitiesData {
  _entities: (SeenUser | null)[];
}

export interface UnlinkData {
  unlinkIdentity: {
    success: boolean;
    operationId: string | null;
    removed: { id: string }[] | null;
    user: SeenUser | null;
  } | null;
}

const USER = 'id identities { id extIdpId type userIdInIdp }';

export const READ = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on User { ${USER} } }
}`;

/** Also reads what makes the response of a user large. */
export const READ_PROFILES = READ.replace('userIdInIdp', 'userIdInIdp userInfoInIdp');

export const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!, $type: String) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId, type: $type) {
    success operationId removed { id } user { ${USER} }
  }
}`;

/** Returns what the response to a read says about the user at an index. */
export function entitySeen(
  { data, errors }: Answer<EntitiesData>,
  index: number,
): { saysUserId: string | null; seen: Seen; code: unknown } {
  const error = errors.find(({ path }) => path?.[0] === '_entities' && path[1] === index);
  return { ...userSeen(data?._entities[index], error !== undefined), code: error?.extensions['code'] ?? null };
}

/** Returns what the response to an unlink says about the unlink and about the user. */
export function unlinkSeen({ status, data, errors }: Answer<UnlinkData>): Pick<
  Unlinking,
  'verdict' | 'operationId' | 'removed'
> & {
  user: { saysUserId: string | null; seen: Seen } | null;
} {
  const payload = data?.unlinkIdentity ?? null;
  const { outcome, operationId } = errors.find(({ path }) => path?.length === 1)?.extensions ?? {};
  const known = outcome === 'NOT_EXECUTED' || outcome === 'UNKNOWN' ? outcome : 'none of these';
  const said = payload === null ? known : payload.success ? 'success' : 'refused';
  return {
    verdict: status === 200 ? said : 'none of these',
    operationId: payload?.operationId ?? (typeof operationId === 'string' ? operationId : null),
    removed: payload?.removed?.map(({ id }) => id) ?? null,
    // No user: it could not be read, or GenAuth does not know it.
    user: payload?.user === undefined || payload.user === null ? null : userSeen(payload.user, false),
  };
}

function userSeen(user: SeenUser | null | undefined, failed: boolean): { saysUserId: string | null; seen: Seen } {
  const instead = failed ? 'error' : user === null ? 'unknown' : 'null';
  return { saysUserId: user?.id ?? null, seen: user?.identities ?? instead };
}
