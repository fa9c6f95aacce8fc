import { createPool } from '../../../src/emulator';
import type { FaultCase } from '../faultCase';
import * as fixtures from '../fixtures';
import * as responses from '../responses';
import { isRead, openCircuitBreaker, OTHER_USER, startHangingRead } from '../stack';

/** Every user has one identity. */
const POOL = createPool({ users: 1, identitiesPerUser: 1 });
const POOL_TARGET = { userId: POOL.users[0]?.id ?? '', extIdpId: POOL.extIdps[0]?.id ?? '' };

/** What stops an operation inside the subgraph: deadlines, limits, permissions, the guard and the audit trail. */
export const LIMITS: readonly FaultCase[] = [
  {
    name: 'The deadline passes after something was sent',
    fault: { response: responses.hang, env: { REQUEST_DEADLINE_MS: '2000', GENAUTH_WRITE_TIMEOUT_MS: '60000' } },
    read: { gets: ['DEADLINE_EXCEEDED'], calls: 1 },
    unlinkExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 1 },
  },
  {
    name: 'The deadline passes before anything was sent',
    fault: {
      before: async ({ proxy, read }) => {
        proxy.inject(isRead, responses.http(429, '', { 'retry-after': '2' }), { times: 1 });
        await read([OTHER_USER]);
      },
      env: { REQUEST_DEADLINE_MS: '500' },
    },
    read: { gets: ['DEADLINE_EXCEEDED'], calls: 0 },
    unlinkNotExecuted: { gets: 'DEADLINE_EXCEEDED', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'GenAuth has asked for a pause of more than 2 s',
    fault: {
      before: async ({ proxy, read }) => {
        proxy.inject(isRead, responses.http(429, '', { 'retry-after': '30' }), { times: 1 });
        await read([OTHER_USER]);
      },
    },
    read: { gets: ['UPSTREAM_RATE_LIMITED'], calls: 0 },
    unlinkNotExecuted: { gets: 'UPSTREAM_RATE_LIMITED', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'The circuit breaker is open: most of at least 20 calls within 10 s have failed',
    fault: { before: openCircuitBreaker },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 0 },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: '`GENAUTH_MAX_CONCURRENCY` calls are under way for 2 s',
    fault: { before: startHangingRead, env: { GENAUTH_MAX_CONCURRENCY: '1' } },
    read: { gets: ['RATE_LIMITED'], calls: 0 },
    unlinkNotExecuted: { gets: 'RATE_LIMITED', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: '`MAX_IN_FLIGHT` requests are being served',
    fault: { before: startHangingRead, env: { MAX_IN_FLIGHT: '1' } },
    read: { gets: ['HTTP 503 OVERLOADED'], calls: 0 },
    unlinkNotExecuted: { gets: 'HTTP 503 OVERLOADED', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'An argument is not an id',
    fault: { users: ['me'], target: { userId: 'me' } },
    read: { gets: ['BAD_USER_INPUT'], calls: 0 },
    unlinkNotExecuted: { gets: 'BAD_USER_INPUT', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'The caller is not allowed to do this',
    fault: { fixture: fixtures.unauthorizedCaller },
    read: { gets: ['FORBIDDEN'], calls: 0 },
    unlinkNotExecuted: { gets: 'FORBIDDEN', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'The identity is the last way to sign in, and the guard is on',
    fault: { seed: POOL, target: POOL_TARGET, env: { LAST_IDENTITY_GUARD: 'all' } },
    unlinkNotExecuted: { gets: 'LAST_IDENTITY', outcome: 'NOT_EXECUTED', posts: 0, reads: 2 },
  },
  {
    name: 'Whether the identity is the last way to sign in cannot be read',
    fault: {
      seed: POOL,
      target: POOL_TARGET,
      env: { LAST_IDENTITY_GUARD: 'all' },
      response: responses.http(500),
      matches: isRead,
    },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 4 },
  },
  {
    name: 'The audit trail cannot be written',
    fault: { fixture: fixtures.auditTrail, before: async ({ fixture }) => fixture?.lose?.() },
    unlinkNotExecuted: { gets: 'INTERNAL_SERVER_ERROR', outcome: 'NOT_EXECUTED', posts: 0, reads: 1 },
  },
];
