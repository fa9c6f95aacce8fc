import { createPool } from '../../src/emulator';
import { ANSWERS } from './answers';
import * as places from './places';
import { fault, IDENTITIES, notExecuted, reads, REFUSED, unknown, unlinks } from './outcomes';
import {
  isRead,
  OTHER_USER,
  SOURCE,
  UNKNOWN_USER,
  USER,
  type Fault,
  type Making,
  type ReadOutcome,
  type Scene,
} from './scene';
import * as spoils from './spoils';
import type { Spoil } from './wire';

/** There is nobody to send anything to. */
const nobody = (name: string, place: Making['place'], tries: number, env: Record<string, string> = {}): Fault =>
  fault(
    name,
    { ...(place && { place }), env },
    { ...reads(0, 'UPSTREAM_UNAVAILABLE'), tries },
    { ...notExecuted('UPSTREAM_UNAVAILABLE'), tries },
  );
/** Something that only a read can meet. */
const reading = (name: string, making: Making, read: ReadOutcome): Fault => fault(name, making, read, null);
/** An unlink whose answer is lost. */
const lost = (name: string, unlink: Fault['unlink'], making: Making = {}): Fault =>
  fault(name, { spoil: spoils.reset, ...making }, null, unlink);

const POOL = createPool({ users: 120, identitiesPerUser: 1 });
const IDS = POOL.users.map(({ id = '' }) => id);
const [FIRST_ID = ''] = IDS;
const LONELY = { seed: POOL, target: { userId: FIRST_ID, extIdpId: POOL.extIdps[0]?.id ?? '' } };
const THREE = { users: [USER, UNKNOWN_USER, OTHER_USER] };
const KNOWN_OF_THREE = reads(1, 'identities', 'null', 'identities');

/** Before, one read was answered so. */
const after =
  (spoil: Spoil) =>
  async ({ wire, read }: Scene): Promise<void> => {
    wire.spoil(isRead, spoil, { times: 1 });
    await read([OTHER_USER]);
  };
/** Somebody has asked for something that is still under way. */
const during = async ({ wire, read, meanwhile }: Scene): Promise<void> => {
  wire.spoil(isRead, spoils.hang, { times: 1 });
  const before = wire.requests.length;
  while (wire.requests.length === before) {
    const asked = read([OTHER_USER]);
    meanwhile.push(asked);
    await Promise.race([asked, wire.received(before + 1)]);
  }
};
/** Enough calls have failed, and one is under way to try whether GenAuth is back: until it ends nothing else is let out. */
const duringOutage = async (scene: Scene): Promise<void> => {
  scene.wire.spoil(isRead, spoils.http(503));
  await scene.read(Array.from({ length: 1000 }, (_, n) => `f${String(n).padStart(23, '0')}`));
  await during(scene);
};

type Row = Record<string, unknown>;
const batch = (change: (rows: Row[]) => Row[]): Spoil =>
  spoils.json((envelope) => ({ ...envelope, data: change(envelope.data) }));

/** Every fault, and what follows from it: docs/faults.md is made of it, and the tests of this folder hold it. */
export const FAULTS: readonly Fault[] = [
  nobody('The name of GenAuth cannot be resolved', places.noSuchName, 2),
  nobody('GenAuth refuses connections', places.nobodyListens, 2),
  nobody('TLS does not come about in time', places.silence, 2, { GENAUTH_CONNECT_TIMEOUT_MS: '300' }),
  nobody('The certificate is not one to trust', places.selfSigned, 1),
  nobody('What answers does not speak TLS', places.plainText, 1),
  ...ANSWERS,

  fault(
    'GenAuth does not know the user',
    { users: [UNKNOWN_USER], target: { userId: UNKNOWN_USER } },
    reads(1, 'null'),
    REFUSED,
  ),
  reading('A batch leaves an unknown user out', THREE, KNOWN_OF_THREE),
  reading('A batch has null for an unknown user', { ...THREE, switches: { batchUnknown: 'null' } }, KNOWN_OF_THREE),
  reading(
    'A batch is refused for an unknown user',
    { ...THREE, switches: { batchUnknown: '404' } },
    { ...KNOWN_OF_THREE, calls: 4 },
  ),
  reading('A batch comes in another order', { ...THREE, switches: { batchOrder: 'reversed' } }, KNOWN_OF_THREE),
  reading(
    'A batch has a user twice: the first counts',
    { spoil: batch((rows) => rows.flatMap((row) => [row, { ...row, identities: [] }])) },
    IDENTITIES,
  ),
  reading(
    'A batch has a user whom nobody asked for',
    { spoil: batch((rows) => rows.flatMap((row) => [{ ...row, userId: OTHER_USER }, row])) },
    IDENTITIES,
  ),
  reading(
    'A batch has nobody but users whom nobody asked for',
    { spoil: batch((rows) => rows.map((row) => ({ ...row, userId: OTHER_USER }))) },
    reads(1, 'UPSTREAM_BAD_RESPONSE'),
  ),
  reading(
    'An identity of one user cannot be read',
    { ...THREE, spoil: spoils.text((body) => body.replace('"extIdpId":"', '"extIdp":"')) },
    reads(1, 'UPSTREAM_BAD_RESPONSE', 'null', 'identities'),
  ),
  reading('120 users are asked for', { seed: POOL, users: IDS }, reads(3, ...IDS.map(() => 'identities'))),
  reading(
    '120 users are asked for, and one call of the three fails',
    { seed: POOL, users: IDS, spoil: spoils.http(500), meets: ({ text }) => text.includes(FIRST_ID) },
    reads(4, ...IDS.map((_id, index) => (index < 50 ? 'UPSTREAM_UNAVAILABLE' : 'identities'))),
  ),

  lost('The answer is lost; one type was to be unlinked, and another of the source is left', 'settled', {
    target: { type: 'openid' },
  }),
  lost('The answer is lost; no type was named, and GenAuth took it for another', unknown(2), {
    switches: { unlinkTypeDefault: 'generic' },
    executed: true,
  }),
  lost('The answer is lost, and GenAuth executes it after the first read', unlinks('success: true', undefined, 1, 2), {
    executed: false,
    before: async ({ wire, emulator: { store } }) => {
      const target = { userId: USER, extIdpId: SOURCE };
      const execute = () => store.recordExecution({ ...target, type: null, removed: store.unlink(target) });
      void wire.received(2, isRead).then(execute);
    },
  }),
  lost('The answer is lost, and so is that of the first read', unlinks('success: true', undefined, 1, 2), {
    executed: true,
    before: async ({ wire }) => wire.spoil(isRead, spoils.reset, { times: 1 }),
  }),
  lost('The answer is lost, and reading fails', unknown(2), {
    executed: true,
    before: async ({ wire }) => wire.spoil(isRead, spoils.http(500)),
  }),
  lost('The answer is lost, and reading is refused with 404, without a word of the user', unknown(2), {
    executed: false,
    before: async ({ wire }) => wire.spoil(isRead, spoils.envelope(404)),
  }),
  lost('The answer is lost, and by then GenAuth does not know the user', unlinks('success: true', undefined, 1, 1), {
    target: { userId: UNKNOWN_USER },
    executed: false,
  }),

  fault(
    'The time of the request is up after something was sent',
    {
      spoil: spoils.hang,
      env: { REQUEST_DEADLINE_MS: '2000', GENAUTH_WRITE_TIMEOUT_MS: '60000' },
      executed: true,
    },
    reads(1, 'DEADLINE_EXCEEDED'),
    unknown(0),
  ),
  fault(
    'The time of the request is up before anything was sent',
    { before: after(spoils.http(429, '', { 'retry-after': '2' })), env: { REQUEST_DEADLINE_MS: '500' } },
    reads(0, 'DEADLINE_EXCEEDED'),
    notExecuted('DEADLINE_EXCEEDED'),
  ),
  fault(
    'GenAuth has asked for a pause of more than 2 s',
    { before: after(spoils.http(429, '', { 'retry-after': '30' })) },
    reads(0, 'UPSTREAM_RATE_LIMITED'),
    notExecuted('UPSTREAM_RATE_LIMITED'),
  ),
  fault(
    'Most of at least 20 calls within 10 s have failed',
    { before: duringOutage },
    reads(0, 'UPSTREAM_UNAVAILABLE'),
    notExecuted('UPSTREAM_UNAVAILABLE'),
  ),
  fault(
    'As many calls as may be are under way for 2 s',
    { before: during, env: { GENAUTH_MAX_CONCURRENCY: '1' } },
    reads(0, 'RATE_LIMITED'),
    notExecuted('RATE_LIMITED'),
  ),
  fault(
    'As many requests as may be are being served',
    { before: during, env: { MAX_IN_FLIGHT: '1' } },
    reads(0, 'HTTP 503 OVERLOADED'),
    unlinks('HTTP 503 OVERLOADED', undefined, 0),
  ),
  fault(
    'An argument is not an id',
    { users: ['me'], target: { userId: 'me' } },
    reads(0, 'BAD_USER_INPUT'),
    notExecuted('BAD_USER_INPUT'),
  ),
  fault('The caller may not do this', { place: places.stranger }, reads(0, 'FORBIDDEN'), notExecuted('FORBIDDEN')),
  fault(
    'It is the last way to sign in, which is guarded',
    { ...LONELY, env: { LAST_IDENTITY_GUARD: 'all' } },
    null,
    unlinks('LAST_IDENTITY', 'NOT_EXECUTED', 0, 1),
  ),
  fault(
    'Whether it is the last way to sign in cannot be read',
    {
      ...LONELY,
      env: { LAST_IDENTITY_GUARD: 'all' },
      spoil: spoils.http(500),
      meets: ({ method }) => method === 'GET',
    },
    null,
    unlinks('UPSTREAM_UNAVAILABLE', 'NOT_EXECUTED', 0, 1),
  ),
  fault(
    'The audit trail cannot be written',
    { place: places.auditTrail, before: async ({ place }) => place?.lose?.() },
    null,
    notExecuted('INTERNAL_SERVER_ERROR'),
  ),
];
