import { createPool } from '../../../src/emulator';
import type { FaultCase } from '../faultCase';
import * as responses from '../responses';
import { OTHER_USER, UNKNOWN_USER, USER } from '../stack';

const POOL = createPool({ users: 120, identitiesPerUser: 1 });
const IDS = POOL.users.map(({ id = '' }) => id);
const [FIRST_ID = ''] = IDS;

/** Responses about users: unknown, repeated, in another order, or not requested. */
export const USERS: readonly FaultCase[] = [
  {
    name: 'GenAuth does not know the user',
    fault: { users: [UNKNOWN_USER], target: { userId: UNKNOWN_USER } },
    read: { gets: ['null'], calls: 1 },
    unlinkNotExecuted: { gets: 'success: false', posts: 1, reads: 1 },
  },
  {
    name: 'A batch omits an unknown user',
    fault: { users: [USER, UNKNOWN_USER, OTHER_USER] },
    read: { gets: ['identities', 'null', 'identities'], calls: 1 },
  },
  {
    name: 'A batch contains null for an unknown user',
    fault: { users: [USER, UNKNOWN_USER, OTHER_USER], switches: { batchUnknown: 'null' } },
    read: { gets: ['identities', 'null', 'identities'], calls: 1 },
  },
  {
    name: 'A batch is refused because of an unknown user',
    fault: { users: [USER, UNKNOWN_USER, OTHER_USER], switches: { batchUnknown: '404' } },
    read: { gets: ['identities', 'null', 'identities'], calls: 4 },
  },
  {
    name: 'A batch arrives in another order',
    fault: { users: [USER, UNKNOWN_USER, OTHER_USER], switches: { batchOrder: 'reversed' } },
    read: { gets: ['identities', 'null', 'identities'], calls: 1 },
  },
  {
    name: 'A batch contains a user twice: the first one counts',
    fault: { response: responses.batch((rows) => rows.flatMap((row) => [row, { ...row, identities: [] }])) },
    read: { gets: ['identities'], calls: 1 },
  },
  {
    name: 'A batch contains a user that was not requested',
    fault: { response: responses.batch((rows) => rows.flatMap((row) => [{ ...row, userId: OTHER_USER }, row])) },
    read: { gets: ['identities'], calls: 1 },
  },
  {
    name: 'A batch contains only users that were not requested',
    fault: { response: responses.batch((rows) => rows.map((row) => ({ ...row, userId: OTHER_USER }))) },
    read: { gets: ['UPSTREAM_BAD_RESPONSE'], calls: 1 },
  },
  {
    name: 'An identity of one user cannot be read',
    fault: {
      users: [USER, UNKNOWN_USER, OTHER_USER],
      response: responses.text((body) => body.replace('"identityId":"', '"identity":"')),
    },
    read: { gets: ['UPSTREAM_BAD_RESPONSE', 'null', 'identities'], calls: 1 },
  },
  {
    name: '120 users are requested',
    fault: { seed: POOL, users: IDS },
    read: { gets: ['120 × identities'], calls: 3 },
  },
  {
    name: '120 users are requested, and the data of one makes GenAuth answer HTTP 500',
    fault: { seed: POOL, users: IDS, response: responses.http(500), matches: ({ text }) => text.includes(FIRST_ID) },
    read: { gets: ['UPSTREAM_UNAVAILABLE', '119 × identities'], calls: 16 },
  },
  {
    name: '120 users are requested, and one of the three calls fails',
    fault: { seed: POOL, users: IDS, response: responses.http(503), matches: ({ text }) => text.includes(FIRST_ID) },
    read: { gets: ['50 × UPSTREAM_UNAVAILABLE', '70 × identities'], calls: 4 },
  },
];
