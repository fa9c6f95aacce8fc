import type { DataOf } from '../genauth/api';
import { Refusal } from './envelope';
import { withKey } from './executions';
import { objectOf, textOf, textsOf } from './parameters';
import type { RequestData } from './request';
import { findApplication } from './sourceOperations';
import { namedUser } from './userOperations';
import type { UserPool } from './userPool';

/** @see docs/genauth-api.md#sessions */
export function getUserLoggedinApps(
  pool: UserPool,
  request: RequestData,
): DataOf<'GET /api/v3/get-user-loggedin-apps'> {
  const { userId } = namedUser(pool, request).profile;
  return pool.store.signedInApps(userId).map((appId) => ({
    appId,
    appName: pool.store.application(appId)?.name ?? '',
    appLogo: 'https://files.example.com/application.svg',
    appLoginUrl: `https://${appId}.example.com/login`,
  }));
}

/** @see docs/genauth-api.md#sessions */
export function kickUsers(
  pool: UserPool,
  request: RequestData,
  idempotencyKey: string | null,
): DataOf<'POST /api/v3/kick-users'> {
  const { store, switches } = pool;
  const appIds = textsOf(request, 'appIds');
  const { userId } = namedUser(pool, request, objectOf(request, 'options')).profile;
  for (const appId of appIds) findApplication(pool, appId);
  const active = store.signedInApps(userId).filter((appId) => appIds.includes(appId));
  if (active.length === 0 && switches.kickMissing === '404') throw new Refusal(404, 'sessionMissing');
  if (active.length === 0 && switches.kickMissing === 'success-false') return { success: false };
  const ended = switches.sessionsAfterKick === 'ended' ? store.signOut(userId, active) : 0;
  store.recordKick({ userId, appIds, ended, ...withKey(idempotencyKey) });
  return { success: true };
}

/** @see docs/genauth-api.md#sessions */
export function checkSessionStatus(pool: UserPool, request: RequestData): DataOf<'POST /api/v3/check-session-status'> {
  const { userId } = namedUser(pool, request, {}).profile;
  const { id } = findApplication(pool, textOf(request, 'appId'));
  return { active: pool.store.signedInApps(userId).includes(id) };
}
