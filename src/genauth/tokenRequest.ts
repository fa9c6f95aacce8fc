import type { Deadline } from '../deadline';
import { isObject } from '../json';
import { ManagementUnreachableError } from './errors';
import type { ManagementToken } from './managementToken';
import type { Requests } from './requests';
import type { AccessKey } from './signature';

/**
 * Fetches a management token with the access key.
 *
 * @throws {ManagementRefusedError | ManagementUnreachableError}
 * @see docs/genauth-api.md#management-token
 */
export async function fetchManagementToken(
  requests: Requests,
  accessKey: AccessKey,
  deadline: Deadline,
): Promise<ManagementToken> {
  const route = 'POST /api/v3/get-management-token';
  // The listed fields only, so that extra properties never reach GenAuth.
  const { accessKeyId, accessKeySecret } = accessKey;
  const request = { accessKeyId, accessKeySecret };
  const { data } = await requests.requestUnauthenticated(route, request, (json) => json.value(), deadline);
  const { access_token: accessToken, expires_in: expiresIn } = isObject(data) ? data : {};
  if (typeof accessToken !== 'string' || !/^[!-~]{1,8192}$/.test(accessToken)) {
    throw new ManagementUnreachableError(route, 'shape', 'maybe');
  }
  if (typeof expiresIn !== 'number' || !(expiresIn > 0)) {
    throw new ManagementUnreachableError(route, 'shape', 'maybe');
  }
  return { accessToken, expiresIn };
}
