import type { FaultCase } from '../faultCase';
import type { Matches, ProxiedRequest } from '../proxy';
import * as responses from '../responses';
import { isRead, isUnlink, SOURCE, UNKNOWN_USER, USER } from '../stack';

/** Selects the n-th request that matches. */
function nth(number: number, matches: (request: ProxiedRequest) => boolean): Matches {
  return (request, all) => all.filter(matches).indexOf(request) === number - 1;
}

const isReadAfterUnlink: Matches = (request, all) => isRead(request) && all.some(isUnlink);

const UNKNOWN = { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN' } as const;

/** Every identity under the source. GenAuth is asked to unlink `openid`, and then `unionid`. */
const BOTH = { type: null };

/** Unlinks whose response is lost, or whose result cannot be read. Reads of the identities decide what the caller gets. */
export const LOST_RESPONSES: readonly FaultCase[] = [
  {
    name: 'The response is lost after an unlink of one type; an identity of another type is left',
    fault: { response: responses.reset },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { ...UNKNOWN, posts: 1, reads: 4 },
  },
  {
    name: 'The response is lost after an unlink of a type that the user does not hold in this case',
    fault: { response: responses.reset, target: { type: 'OPENID' } },
    unlinkNotExecuted: { ...UNKNOWN, posts: 1, reads: 4 },
  },
  {
    name: 'Both responses are lost after an unlink without a type',
    fault: { response: responses.reset, target: BOTH, switches: { unlinkTypeDefault: 'generic' } },
    unlinkExecuted: { gets: 'success: true', posts: 2, reads: 2 },
    unlinkNotExecuted: { ...UNKNOWN, posts: 2, reads: 4 },
  },
  {
    name: 'The response to the first of two types is lost',
    fault: { response: responses.reset, matches: nth(1, isUnlink), target: BOTH },
    unlinkExecuted: { gets: 'success: true', posts: 2, reads: 2 },
    unlinkNotExecuted: { ...UNKNOWN, posts: 2, reads: 4 },
  },
  {
    name: 'The response to the second of two types is lost',
    fault: { response: responses.reset, matches: nth(2, isUnlink), target: BOTH },
    unlinkExecuted: { gets: 'success: true', posts: 2, reads: 2 },
    unlinkNotExecuted: { ...UNKNOWN, posts: 2, reads: 4 },
  },
  {
    name: 'GenAuth refuses the first of two types',
    fault: { response: responses.envelope(422), matches: nth(1, isUnlink), target: BOTH },
    unlinkNotExecuted: { gets: 'success: false', posts: 2, reads: 5 },
  },
  {
    name: 'GenAuth refuses the second of two types',
    fault: { response: responses.envelope(422), matches: nth(2, isUnlink), target: BOTH },
    unlinkNotExecuted: { gets: 'success: false', posts: 2, reads: 5 },
  },
  {
    name: 'GenAuth responds with 429 to the first of two types',
    fault: { response: responses.http(429), matches: nth(1, isUnlink), target: BOTH },
    unlinkNotExecuted: { gets: 'UPSTREAM_RATE_LIMITED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'GenAuth responds with 429 to the second of two types',
    fault: { response: responses.http(429), matches: nth(2, isUnlink), target: BOTH },
    unlinkNotExecuted: { ...UNKNOWN, posts: 2, reads: 2 },
  },
  {
    name: 'GenAuth responds with 429 to the second of two types, and every later read fails',
    fault: {
      response: responses.http(429),
      matches: nth(2, isUnlink),
      target: BOTH,
      before: async ({ proxy }) => proxy.inject(isReadAfterUnlink, responses.envelope(403)),
    },
    unlinkNotExecuted: { ...UNKNOWN, posts: 2, reads: 2 },
  },
  {
    name: 'GenAuth confirms an unlink that it did not execute',
    fault: { response: responses.http(200, '{"statusCode":200,"data":{"success":true}}') },
    unlinkNotExecuted: { ...UNKNOWN, posts: 1, reads: 5 },
  },
  {
    name: 'GenAuth confirms the unlink, and its reads lag behind by 2.4 s',
    fault: { switches: { readLagMs: 2_400 } },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 5 },
  },
  {
    name: 'GenAuth confirms the unlink, and every later read fails',
    fault: { before: async ({ proxy }) => proxy.inject(isReadAfterUnlink, responses.envelope(403)) },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
  {
    name: 'The response is lost, and GenAuth executes the unlink after the first read',
    fault: {
      response: responses.reset,
      before: async ({ proxy, emulator: { store } }) => {
        const target = { userId: USER, extIdpId: SOURCE, type: 'openid' };
        const execute = () => store.recordExecution({ ...target, removed: store.unlink(target) });
        void proxy.received(3, isRead).then(execute);
      },
    },
    unlinkNotExecuted: { gets: 'success: true', posts: 1, reads: 3 },
  },
  {
    name: 'The response is lost, and the response to the first read too',
    fault: {
      response: responses.reset,
      before: async ({ proxy }) => proxy.inject(nth(2, isRead), responses.reset),
    },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 3 },
  },
  {
    name: 'The response is lost, and every later read fails',
    fault: {
      response: responses.reset,
      before: async ({ proxy }) => proxy.inject(isReadAfterUnlink, responses.envelope(403)),
    },
    unlinkExecuted: { ...UNKNOWN, posts: 1, reads: 4 },
  },
  {
    name: 'The response is lost, and every later read is refused with a 404 that does not name the user',
    fault: {
      response: responses.reset,
      before: async ({ proxy }) => proxy.inject(isReadAfterUnlink, responses.envelope(404)),
    },
    unlinkNotExecuted: { ...UNKNOWN, posts: 1, reads: 4 },
  },
  {
    name: 'The user cannot be read before the unlink',
    fault: { before: async ({ proxy }) => proxy.inject(isRead, responses.http(503)) },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 2 },
  },
  {
    name: 'The response is lost, and GenAuth does not know the user',
    fault: { response: responses.reset, target: { userId: UNKNOWN_USER } },
    unlinkNotExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
];
