import type { FaultCase } from '../faultCase';
import * as responses from '../responses';
import { isTokenRequest, outdateToken } from '../stack';

/** GenAuth rejects the key, the signature, the clock or the management token of the subgraph. */
export const AUTHENTICATION: readonly FaultCase[] = [
  // GenAuth rejects the key or the signature, and executed nothing. A retry would be rejected again.
  {
    name: 'HTTP 401',
    fault: { response: responses.http(401) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 401 with apiCode 1300, while the clocks agree',
    fault: { response: responses.envelope(401, 1300) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 401 with apiCode 1301, while the clocks agree',
    fault: { response: responses.envelope(401, 1301) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 401 with apiCode 1302, while the clocks agree',
    fault: { response: responses.envelope(401, 1302) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 401 with apiCode 1303, while the clocks agree',
    fault: { response: responses.envelope(401, 1303) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 401 with apiCode 1304, while the clocks agree',
    fault: { response: responses.envelope(401, 1304) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 401 with apiCode 1305, while the clocks agree',
    fault: { response: responses.envelope(401, 1305) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 401 with apiCode 2020, while the clocks agree',
    fault: { response: responses.envelope(401, 2020) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  {
    name: 'An envelope of 400 with apiCode 1300',
    fault: { response: responses.envelope(400, 1300) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 1, reads: 1 },
  },
  // The subgraph corrects its clock from the `Date` header, and sends the request again.
  {
    name: 'The clocks differ by one hour: apiCode 1305',
    fault: { switches: { clockOffsetMs: 3_600_000 }, response: responses.text((body) => body.replace('1305', '1305')) },
    read: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 3 },
  },
  {
    name: 'The clocks differ by one hour: apiCode 1303',
    fault: { switches: { clockOffsetMs: 3_600_000 }, response: responses.text((body) => body.replace('1305', '1303')) },
    read: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 3 },
  },
  {
    name: 'The clocks differ by one hour: apiCode 1304',
    fault: { switches: { clockOffsetMs: 3_600_000 }, response: responses.text((body) => body.replace('1305', '1304')) },
    read: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 3 },
  },
  // A nonce that was used before: GenAuth may have executed an earlier copy of the request.
  {
    name: 'An envelope of 401 with apiCode 1306: the signature was used before',
    fault: { response: responses.envelope(401, 1306) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'HTTP 401 with apiCode 1306',
    fault: { response: responses.http(401, '{"statusCode":401,"apiCode":1306}') },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  // With `GENAUTH_AUTH=token`, a rejected token is renewed once.
  {
    name: 'The management token is no longer accepted: apiCode 2020',
    fault: { env: { GENAUTH_AUTH: 'token' }, before: outdateToken, switches: { validTokens: 'newest' } },
    read: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 3 },
  },
  {
    name: 'No management token is accepted: HTTP 401',
    fault: { env: { GENAUTH_AUTH: 'token' }, response: responses.http(401) },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 2, reads: 1 },
  },
  {
    name: 'GenAuth issues no management token: an envelope of 401',
    fault: { env: { GENAUTH_AUTH: 'token' }, response: responses.envelope(401, 2020), matches: isTokenRequest },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 0 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'GenAuth issues no management token: an envelope of 403',
    fault: { env: { GENAUTH_AUTH: 'token' }, response: responses.envelope(403, 2333), matches: isTokenRequest },
    read: { gets: ['UPSTREAM_AUTH_FAILED'], calls: 0 },
    unlinkNotExecuted: { gets: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'GenAuth issues no management token: HTTP 429',
    fault: {
      env: { GENAUTH_AUTH: 'token' },
      response: responses.http(429, '', { 'retry-after': '5' }),
      matches: isTokenRequest,
    },
    read: { gets: ['UPSTREAM_RATE_LIMITED'], calls: 0 },
    unlinkNotExecuted: { gets: 'UPSTREAM_RATE_LIMITED', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'GenAuth issues no management token: HTTP 503',
    fault: { env: { GENAUTH_AUTH: 'token' }, response: responses.http(503), matches: isTokenRequest },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 0 },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
  {
    name: 'GenAuth issues no management token in time',
    fault: {
      env: { GENAUTH_AUTH: 'token', GENAUTH_WRITE_TIMEOUT_MS: '400' },
      response: responses.hang,
      matches: isTokenRequest,
    },
    read: { gets: ['UPSTREAM_TIMEOUT'], calls: 0 },
    unlinkNotExecuted: { gets: 'UPSTREAM_TIMEOUT', outcome: 'NOT_EXECUTED', posts: 0, reads: 0 },
  },
];
