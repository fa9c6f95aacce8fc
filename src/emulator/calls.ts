import type { IncomingHttpHeaders } from 'node:http';
import type { Route } from '../genauth/api';
import type { Fault } from './faults';
import type { RequestData } from './request';

/** A request that arrived, and its result. The members are filled in while the request is processed. */
export interface Call {
  /** null: a path or method that the management API does not have. */
  readonly route: Route | null;
  readonly path: string;
  /** Time of arrival by the clock of this machine, in epoch milliseconds. */
  readonly at: number;
  /** The `Idempotency-Key` header; null if there is none. */
  readonly idempotencyKey: string | null;
  /** The parameters, without the secret of an access key. Empty until the request is read. */
  data: RequestData;
  /** The users that the request names, in its order. */
  userIds: readonly string[];
  /** Whether the signature or token was accepted. */
  authenticated: boolean;
  /** Whether the operation was executed, even if the response was lost. */
  executed: boolean;
  /** Whether the response repeats that of an earlier call with the same idempotency key. */
  replayed: boolean;
  /** The fault that met the call, except latency. */
  fault: Fault | null;
  /** The codes of the response; null while there is none. */
  outcome: { httpStatus: number; statusCode: number | null; apiCode: number | null } | null;
}

export function openCall(route: Route | null, path: string, headers: IncomingHttpHeaders): Call {
  const key = headers['idempotency-key'];
  return {
    route,
    path,
    at: Date.now(),
    idempotencyKey: typeof key === 'string' && key !== '' ? key : null,
    data: {},
    userIds: [],
    authenticated: false,
    executed: false,
    replayed: false,
    fault: null,
    outcome: null,
  };
}

/** Records the parameters of a call. */
export function noteData(call: Call, data: RequestData): void {
  if ('accessKeySecret' in data) {
    const { accessKeySecret: _secret, ...rest } = data;
    call.data = rest;
  } else {
    call.data = data;
  }
  call.userIds = userIdsOf(data).filter((id) => typeof id === 'string');
}

/** Returns the users that a request names, in any encoding of a list. */
function userIdsOf({ userIds, userId }: RequestData): unknown[] {
  if (Array.isArray(userIds)) return userIds as unknown[];
  if (typeof userIds !== 'string') return [userId];
  if (!userIds.startsWith('[')) return userIds.split(',');
  try {
    const list = JSON.parse(userIds) as unknown;
    return Array.isArray(list) ? (list as unknown[]) : [];
  } catch {
    return [];
  }
}
