import type { DataOf, Route } from '../genauth/api';
import { linkIdentity, unlinkIdentity } from './linkOperations';
import { listUsers } from './listUsers';
import type { RequestData } from './request';
import { checkSessionStatus, getUserLoggedinApps, kickUsers } from './sessionOperations';
import { getApplication, getExtIdp, listExtIdp } from './sourceOperations';
import { getManagementToken } from './tokenOperations';
import { getUser, getUserBatch, getUserIdentities, getUserLoggedInIdentities } from './userOperations';
import type { UserPool } from './userPool';

/**
 * Validates a request, executes it, and returns the `data` of the envelope. A request that is refused throws a `Refusal`
 * before anything is changed.
 *
 * @param idempotencyKey Recorded with what is executed. null: the request has none.
 */
type Operation<R extends Route> = (pool: UserPool, request: RequestData, idempotencyKey: string | null) => DataOf<R>;

/** Every operation of the management API. The compiler rejects a route of `api.ts` without an entry here. */
export const OPERATIONS: { readonly [R in Route]: Operation<R> } = {
  'POST /api/v3/get-management-token': getManagementToken,
  'GET /api/v3/get-user': getUser,
  'GET /api/v3/get-user-batch': getUserBatch,
  'GET /api/v3/get-user-identities': getUserIdentities,
  'GET /api/v3/get-user-logged-in-identities': getUserLoggedInIdentities,
  'POST /api/v3/list-users': listUsers,
  'POST /api/v3/link-identity': linkIdentity,
  'POST /api/v3/unlink-identity': unlinkIdentity,
  'GET /api/v3/list-ext-idp': listExtIdp,
  'GET /api/v3/get-ext-idp': getExtIdp,
  'GET /api/v3/get-application': getApplication,
  'GET /api/v3/get-user-loggedin-apps': getUserLoggedinApps,
  'POST /api/v3/kick-users': kickUsers,
  'POST /api/v3/check-session-status': checkSessionStatus,
};

/** The operations that change the pool. An idempotency key concerns only these. */
export const WRITES: ReadonlySet<Route> = new Set([
  'POST /api/v3/link-identity',
  'POST /api/v3/unlink-identity',
  'POST /api/v3/kick-users',
]);
