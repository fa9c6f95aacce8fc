import type { FaultCase } from '../faultCase';
import * as fixtures from '../fixtures';
import * as responses from '../responses';
import { OTHER_USER } from '../stack';

/** Faults of the connection to GenAuth, from the name to the last byte of the response. */
export const CONNECTIONS: readonly FaultCase[] = [
  {
    name: 'The host name of GenAuth cannot be resolved',
    fault: { fixture: fixtures.noSuchName },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 0, connects: 2 },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 0, connects: 2 },
  },
  {
    name: 'GenAuth refuses connections',
    fault: { fixture: fixtures.closedPort },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 0, connects: 2 },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 0, connects: 2 },
  },
  {
    name: 'The TLS handshake does not end in time',
    fault: { fixture: fixtures.silentServer, env: { GENAUTH_CONNECT_TIMEOUT_MS: '300' } },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 0, connects: 2 },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 0, connects: 2 },
  },
  {
    name: 'The certificate is not trusted',
    fault: { fixture: fixtures.selfSignedServer },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 0, connects: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 0, connects: 1 },
  },
  {
    name: 'The server does not speak TLS',
    fault: { fixture: fixtures.serverWithoutTls },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 0, connects: 1 },
    unlinkNotExecuted: { gets: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', posts: 0, reads: 0, connects: 1 },
  },
  {
    name: 'The connection is reset before the response',
    fault: { response: responses.reset },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'The connection is closed before the response',
    fault: { response: responses.end },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'A kept-alive connection is closed at the moment when it is used again',
    fault: {
      before: ({ read }) => read([OTHER_USER]),
      response: responses.end,
      matches: ({ reused, path }) => reused && (path.endsWith('/unlink-identity') || path.endsWith('/get-user-batch')),
    },
    read: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 3 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 7 },
  },
  {
    name: 'The connection is reset in the middle of the body',
    fault: { response: responses.resetInBody },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'The connection is closed in the middle of the body',
    fault: { response: responses.endInBody },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'The connection is closed in the middle of a chunk',
    fault: { response: responses.endInChunk },
    read: { gets: ['UPSTREAM_UNAVAILABLE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'A body without a length is truncated',
    fault: { response: responses.cutUnmeasured },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'No response arrives',
    fault: {
      response: responses.hang,
      env: { GENAUTH_READ_TIMEOUT_MS: '3000', GENAUTH_WRITE_TIMEOUT_MS: '1200', REQUEST_DEADLINE_MS: '12000' },
    },
    read: { gets: ['UPSTREAM_TIMEOUT'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'The response stops in the middle of the body',
    fault: {
      response: responses.hangInBody,
      env: { GENAUTH_READ_TIMEOUT_MS: '3000', GENAUTH_WRITE_TIMEOUT_MS: '1200', REQUEST_DEADLINE_MS: '12000' },
    },
    read: { gets: ['UPSTREAM_TIMEOUT'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'The response arrives byte by byte, and too slowly',
    fault: {
      response: responses.drip,
      env: { GENAUTH_READ_TIMEOUT_MS: '3000', GENAUTH_WRITE_TIMEOUT_MS: '1200', REQUEST_DEADLINE_MS: '12000' },
    },
    read: { gets: ['UPSTREAM_TIMEOUT'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'The response is not HTTP',
    fault: { response: responses.garbage },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'A response with two lengths',
    fault: { response: responses.twoLengths },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'A header of 70 000 bytes',
    fault: { response: responses.hugeHeader },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
];
