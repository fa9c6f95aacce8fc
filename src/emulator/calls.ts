import type { Route } from '../genauth/api';
import type { Fault } from './faults';
import type { RequestData } from './request';

/** A request that arrived, and what became of it. Filled in as it goes. */
export interface Call {
  /** null: a path or method that the management API does not have. */
  readonly route: Route | null;
  readonly path: string;
  /** When it arrived, epoch milliseconds of this machine's clock. */
  readonly at: number;
  /** What it asked, without the access key's secret. Empty until it was read. */
  data: RequestData;
  /** The users it asked about, in its order. */
  userIds: readonly string[];
  /** Whether its signature or token was accepted. */
  authenticated: boolean;
  /** Whether the operation was carried out, whatever became of the answer. */
  executed: boolean;
  /** The fault that met it, latency apart. */
  fault: Fault | null;
  /** What the answer said; null while there is none. */
  outcome: { httpStatus: number; statusCode: number | null; apiCode: number | null } | null;
}

export function openCall(route: Route | null, path: string): Call {
  return {
    route,
    path,
    at: Date.now(),
    data: {},
    userIds: [],
    authenticated: false,
    executed: false,
    fault: null,
    outcome: null,
  };
}

/** Notes what a call asks. */
export function noteData(call: Call, data: RequestData): void {
  if ('accessKeySecret' in data) {
    const { accessKeySecret: _secret, ...rest } = data;
    call.data = rest;
  } else {
    call.data = data;
  }
  const { userIds, userId } = data;
  const asked = Array.isArray(userIds)
    ? (userIds as unknown[])
    : typeof userIds === 'string'
      ? userIds.split(',')
      : [userId];
  call.userIds = asked.filter((id) => typeof id === 'string');
}
