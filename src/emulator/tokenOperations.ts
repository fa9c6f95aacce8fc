import type { DataOf } from '../genauth/api';
import { isAccessKey } from './authentication';
import { API_CODE, Refusal } from './envelope';
import { textOf } from './parameters';
import type { RequestData } from './request';
import type { UserPool } from './userPool';

/** @see docs/genauth-api.md#management-token */
export function getManagementToken(
  { id, key, switches, tokens, now }: UserPool,
  request: RequestData,
): DataOf<'POST /api/v3/get-management-token'> {
  const given = { accessKeyId: textOf(request, 'accessKeyId'), accessKeySecret: textOf(request, 'accessKeySecret') };
  if (!isAccessKey(given, key)) {
    throw switches.wrongKey === '401'
      ? new Refusal(401, 'notLoggedIn', { apiCode: API_CODE.notLoggedIn })
      : new Refusal(403, 'wrongKey', { apiCode: API_CODE.wrongAccount });
  }
  const seconds = switches.tokenLifeSeconds;
  const token = tokens.issue({ accessKeyId: key.accessKeyId, userPoolId: id }, { nowMs: now(), seconds });
  return { access_token: token, expires_in: seconds };
}
