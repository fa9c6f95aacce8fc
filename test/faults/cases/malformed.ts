import type { FaultCase } from '../faultCase';
import * as responses from '../responses';

/** Responses that are not the envelope that the management API documents. */
export const MALFORMED: readonly FaultCase[] = [
  {
    name: 'HTTP 200 with an HTML page',
    fault: { response: responses.http(200) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 2 },
    readOnce: { gets: ['identities'], calls: 2 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'HTTP 200 without a body',
    fault: { response: responses.http(200, '') },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'HTTP 204',
    fault: { response: responses.noContent },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'HTTP 302 to another path',
    fault: { response: responses.redirect(302) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'HTTP 307 to another path',
    fault: { response: responses.redirect(307) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'A compressed response, although the request did not allow it',
    fault: { response: responses.gzip },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'A response of more than 4 MiB',
    fault: { response: responses.oversized },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'JSON that is not an envelope',
    fault: { response: responses.http(200, '[]') },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'An envelope whose `statusCode` is a string',
    fault: { response: responses.json((body) => ({ ...body, statusCode: '200' })) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'An envelope without `data`',
    fault: { response: responses.json(({ data: _data, ...rest }) => rest) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: 'An envelope whose `data` is null',
    fault: { response: responses.json((body) => ({ ...body, data: null })) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: '`data` is a list instead of an object, or an object instead of a list',
    fault: { response: responses.wrongShape },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: '`success` is the string "true"',
    fault: { response: responses.json((body) => ({ ...body, data: { success: 'true' } })) },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  {
    name: '`success` is 1',
    fault: { response: responses.json((body) => ({ ...body, data: { success: 1 } })) },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 4 },
  },
  // Unusual responses that are accepted.
  {
    name: 'A byte order mark before the JSON',
    fault: { response: responses.text((body) => `\ufeff${body}`) },
    read: { gets: ['identities'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
  {
    name: 'A key occurs twice in the JSON: the last one counts',
    fault: { response: responses.text((body) => body.replace('{', '{"statusCode":500,')) },
    read: { gets: ['identities'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
  {
    name: '`__proto__` in the JSON',
    fault: { response: responses.text((body) => body.replace('{', '{"__proto__":{"statusCode":500},')) },
    read: { gets: ['identities'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
  {
    name: 'An apiCode beyond 32 bits',
    fault: { response: responses.json((body) => ({ ...body, apiCode: 1e12 })) },
    read: { gets: ['identities'], calls: 1 },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
];
