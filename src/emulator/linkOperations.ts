import type { DataOf } from '../genauth/api';
import { API_CODE, Refusal } from './envelope';
import { withKey } from './executions';
import { optionalTextOf, textOf } from './parameters';
import type { RequestData } from './request';
import { columnText, matches } from './rows';
import { extIdpMissing } from './sourceOperations';
import { userMissing } from './userOperations';
import type { UserPool } from './userPool';

/** @see docs/genauth-api.md#link-identity */
export function linkIdentity(
  { store, switches }: UserPool,
  request: RequestData,
  idempotencyKey: string | null,
): DataOf<'POST /api/v3/link-identity'> {
  const userId = textOf(request, 'userId');
  const extIdpId = textOf(request, 'extIdpId');
  const userIdInIdp = textOf(request, 'userIdInIdp');
  const type = optionalTextOf(request, 'type') ?? 'generic';
  const user = store.user(userId);
  if (user === undefined) throw userMissing(switches);
  if (store.extIdp(extIdpId) === undefined) throw extIdpMissing(switches);
  const held = user.identities.some(
    (row) => matches(row, { extIdpId, type }) && columnText(row, 'userIdInIdp') === userIdInIdp,
  );
  if (held && switches.linkHeld === 'success-false') return { success: false };
  if (held && switches.linkHeld === '409') throw new Refusal(409, 'alreadyBound');
  const holder = store.holderOf({ extIdpId, type, userIdInIdp });
  if (holder !== undefined && holder !== userId) {
    if (switches.linkTaken === '409') throw new Refusal(409, 'alreadyBound');
    if (switches.linkTaken === '422') throw new Refusal(422, 'alreadyBound', { apiCode: API_CODE.alreadyBound });
    store.unlink({ userId: holder, extIdpId, type });
  }
  if (!held) store.link(userId, { extIdpId, type, userIdInIdp });
  store.recordLink({ userId, extIdpId, type, userIdInIdp, added: !held, ...withKey(idempotencyKey) });
  return { success: true };
}

/** @see docs/genauth-api.md#unlink-identity */
export function unlinkIdentity(
  { store, switches }: UserPool,
  request: RequestData,
  idempotencyKey: string | null,
): DataOf<'POST /api/v3/unlink-identity'> {
  const userId = textOf(request, 'userId');
  const extIdpId = textOf(request, 'extIdpId');
  const given = optionalTextOf(request, 'type');
  const user = store.user(userId);
  if (user === undefined) throw userMissing(switches);
  const type = given ?? (switches.unlinkTypeDefault === 'generic' ? 'generic' : undefined);
  const target = { userId, extIdpId, ...(type === undefined ? {} : { type }) };
  const linked = user.identities.filter((row) => matches(row, target)).length;
  if (linked === 0 && switches.unlinkMissing === '404') throw new Refusal(404, 'identityMissing');
  if (linked === 0 && switches.unlinkMissing === '422') {
    throw new Refusal(422, 'identityMissing', { apiCode: API_CODE.notBound });
  }
  if (linked === 0 && switches.unlinkMissing === 'success-false') return { success: false };
  const isLast = linked > 0 && linked === user.identities.length && user.profile.passwordLastSetAt === null;
  if (isLast && switches.lastIdentityGuard === '422') {
    throw new Refusal(422, 'lastLoginMethod', { apiCode: API_CODE.lastLoginMethod });
  }
  const removed = store.unlink(target);
  if (removed > 0 && switches.sessionsAfterUnlink === 'ended') store.signOut(userId);
  store.recordExecution({ userId, extIdpId, type: given ?? null, removed, ...withKey(idempotencyKey) });
  return { success: true };
}
