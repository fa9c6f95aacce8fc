import type { FaultCase } from '../faultCase';
import * as responses from '../responses';
import { isRead, SOURCE, UNKNOWN_USER, USER } from '../stack';

/** Unlinks whose response is lost. Reads of the identities decide what the caller gets. */
export const LOST_RESPONSES: readonly FaultCase[] = [
  {
    name: 'The response is lost after an unlink of one type; an identity of another type is left',
    fault: { response: responses.reset, target: { type: 'openid' } },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 1 },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 2 },
  },
  {
    name: 'The response is lost after an unlink without a type, which GenAuth applied to one type only',
    fault: { response: responses.reset, switches: { unlinkTypeDefault: 'generic' } },
    unlinkExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 2 },
  },
  {
    name: 'The response is lost, and GenAuth executes the unlink after the first read',
    fault: {
      response: responses.reset,
      before: async ({ proxy, emulator: { store } }) => {
        const target = { userId: USER, extIdpId: SOURCE };
        const execute = () => store.recordExecution({ ...target, type: null, removed: store.unlink(target) });
        void proxy.received(2, isRead).then(execute);
      },
    },
    unlinkNotExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
  {
    name: 'The response is lost, and the response to the first read too',
    fault: {
      response: responses.reset,
      before: async ({ proxy }) => proxy.inject(isRead, responses.reset, { times: 1 }),
    },
    unlinkExecuted: { gets: 'success: true', posts: 1, reads: 2 },
  },
  {
    name: 'The response is lost, and every read fails',
    fault: { response: responses.reset, before: async ({ proxy }) => proxy.inject(isRead, responses.http(500)) },
    unlinkExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 2 },
  },
  {
    name: 'The response is lost, and every read is refused with a 404 that does not name the user',
    fault: { response: responses.reset, before: async ({ proxy }) => proxy.inject(isRead, responses.envelope(404)) },
    unlinkNotExecuted: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 2 },
  },
  {
    name: 'The response is lost, and then GenAuth does not know the user',
    fault: { response: responses.reset, target: { userId: UNKNOWN_USER } },
    unlinkNotExecuted: { gets: 'success: true', posts: 1, reads: 1 },
  },
];
