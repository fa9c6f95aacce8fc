import { isObject } from '../json';
import type { RequestOf } from './api';
import type { WriteOptions } from './callOptions';
import { ManagementRefusedError, ManagementUnreachableError } from './errors';
import type { Requests } from './requests';

/** GenAuth's confirmation that a write was executed. */
export interface Acknowledgement {
  apiCode: number | null;
  requestId: string | null;
  /** Number of requests that were sent. */
  attempts: number;
}

type WriteRoute = 'POST /api/v3/unlink-identity' | 'POST /api/v3/link-identity' | 'POST /api/v3/kick-users';

/**
 * Sends a write.
 *
 * @throws {ManagementRefusedError} GenAuth refused, also by `success: false`.
 * @throws {ManagementUnreachableError} The response does not say whether the write was executed.
 */
export async function sendWrite<R extends WriteRoute>(
  requests: Requests,
  route: R,
  fields: RequestOf<R>,
  { deadline, idempotencyKey }: WriteOptions,
): Promise<Acknowledgement> {
  const options = { deadline, idempotencyKey, lane: 'writes', retry: true } as const;
  const { data, apiCode, requestId, attempts } = await requests.request(route, fields, (json) => json.value(), options);
  const success = isObject(data) ? data['success'] : undefined;
  if (success === true) return { apiCode, requestId, attempts };
  const error =
    success === false
      ? new ManagementRefusedError(route, { refusal: 'rejected', statusCode: 200, apiCode, requestId })
      : new ManagementUnreachableError(route, 'shape', 'maybe');
  error.attempts = attempts;
  throw error;
}
