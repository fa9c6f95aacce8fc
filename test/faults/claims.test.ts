import type { Emulator, Switches } from '../../src/emulator';
import type { Answer } from '../support/stack';
import type { Target } from './faultCase';
import { playAll } from './play';
import type { Matches, ProxiedRequest, Respond } from './proxy';
import * as responses from './responses';
import { type FaultStack, isRead, isUnlink, SOURCE, USER, withStack } from './stack';

/** Default: 240. Number of combinations that are tried, of the 1 248 that there are. 0: all. */
const RUNS = Number(process.env['CLAIM_RUNS'] ?? 240);

const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!, $type: String) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId, type: $type) {
    success operationId removed { id } user { id identities { id } }
  }
}`;

interface Payload {
  success: boolean;
  operationId: string | null;
  removed: { id: string }[] | null;
  user: { id: string; identities: { id: string }[] } | null;
}

interface Combination {
  switches: Partial<Switches>;
  target: Target;
  fault: { name: string; matches: Matches; respond: Respond; executed: boolean } | null;
}

/** The calls of an unlink of two types. */
const CALLS: Readonly<Record<string, Matches>> = {
  'the read before': nth(1, isRead),
  'the first request': nth(1, isUnlink),
  'the second request': nth(2, isUnlink),
  'the read after': (request, all) => nth(1, isRead)(request, all.slice(all.findIndex(isUnlink))),
  'every read after': (request, all) => isRead(request) && all.some(isUnlink),
};

const FAULTS: Readonly<Record<string, { respond: Respond; executed: boolean }>> = {
  'an execution whose response is lost': { respond: responses.reset, executed: true },
  'a reset': { respond: responses.reset, executed: false },
  'HTTP 429': { respond: responses.http(429), executed: false },
  'a refusal': { respond: responses.envelope(422), executed: false },
  'a confirmation that is not true': {
    respond: responses.http(200, '{"statusCode":200,"data":{"success":true}}'),
    executed: false,
  },
};

const TARGETS: readonly Target[] = [null, 'openid', 'OpenID'].map((type) => ({
  userId: USER,
  extIdpId: SOURCE,
  type,
}));

function nth(number: number, matches: (request: ProxiedRequest) => boolean): Matches {
  return (request, all) => all.filter(matches).indexOf(request) === number - 1;
}

const FAULTS_AT_CALLS = Object.entries(CALLS).flatMap(([call, matches]) =>
  Object.entries(FAULTS).map(([name, fault]) => ({ ...fault, name: `${name} at ${call}`, matches })),
);

const ALL: readonly Combination[] = (['all', 'generic'] as const).flatMap((unlinkTypeDefault) =>
  (['success', 'success-false', '404', '422'] as const).flatMap((unlinkMissing) =>
    [0, 400].flatMap((readLagMs) =>
      TARGETS.flatMap((target) =>
        [null, ...FAULTS_AT_CALLS].map((fault) => ({
          switches: { unlinkTypeDefault, unlinkMissing, readLagMs },
          target,
          fault,
        })),
      ),
    ),
  ),
);

/** A step that has no common divisor with the number of combinations visits all of them, spread over every dimension. */
const STEP = 601;
const CHOSEN = Array.from(
  { length: RUNS === 0 ? ALL.length : RUNS },
  (_, index) => ALL[(index * STEP) % ALL.length] as Combination,
);

const idsOf = ({ store }: Emulator): string[] => store.identitiesOf(USER).map(({ identityId }) => identityId);

/** Unlinks, and returns what the response claims beyond what the emulator's ledger and store show. */
async function falseClaimsOf({ switches, target, fault }: Combination): Promise<string[]> {
  return withStack({ switches }, async (stack: FaultStack) => {
    const { emulator, proxy } = stack;
    if (fault !== null) proxy.inject(fault.matches, fault.respond, { executed: fault.executed });
    const linked = idsOf(emulator);
    const { data, errors } = await stack.ask<{ unlinkIdentity: Payload | null }>(UNLINK, { ...target });
    const keys = emulator.store.executions.map(({ idempotencyKey }) => idempotencyKey);
    const claims = claimsOf({ data, errors }, stack, target, linked);
    if (new Set(keys).size < keys.length) claims.push('a request was executed twice');
    return claims.map((claim) => `${claim}: ${JSON.stringify([switches, target.type, fault?.name, data, errors])}`);
  });
}

function claimsOf(
  { data, errors }: Pick<Answer<{ unlinkIdentity: Payload | null }>, 'data' | 'errors'>,
  { emulator, proxy }: FaultStack,
  { extIdpId, type }: Target,
  linked: readonly string[],
): string[] {
  const { executions } = emulator.store;
  const payload = data?.unlinkIdentity ?? null;
  if (payload === null) {
    const { outcome, retryAfterMs } = errors[0]?.extensions ?? {};
    if (outcome === 'UNKNOWN') return retryAfterMs === undefined ? [] : ['an unknown outcome may be repeated'];
    if (outcome !== 'NOT_EXECUTED') return ['there is no outcome'];
    return executions.length === 0 ? [] : ['NOT_EXECUTED, but it was executed'];
  }
  const left = idsOf(emulator);
  const gone = linked.filter((id) => !left.includes(id));
  const isLeft = emulator.store
    .identitiesOf(USER)
    .some((row) => row.extIdpId === extIdpId && (type ?? row.type) === row.type);
  const removed = payload.removed?.map(({ id }) => id) ?? null;
  const sent = proxy.requests.filter(isUnlink).length;
  const shown = payload.user?.identities.map(({ id }) => id) ?? null;
  const isPresent = emulator.switches.readLagMs === 0;
  return [
    ...(errors.length > 0 ? ['an error stands beside a payload'] : []),
    ...(payload.success && isLeft ? ['success, but an identity is left'] : []),
    ...(!payload.success && executions.length >= sent ? ['a refusal, but all was executed'] : []),
    ...(removed?.some((id) => !gone.includes(id)) === true ? ['`removed` has an identity that is left'] : []),
    ...(payload.success && removed !== null && removed.length < gone.length ? ['`removed` lacks an identity'] : []),
    ...(isPresent && shown !== null && JSON.stringify(shown) !== JSON.stringify(left) ? ['`user` is not true'] : []),
  ];
}

describe('no response claims more than the ledger shows,', () => {
  test(`with a fault at any call, in ${CHOSEN.length} combinations with what GenAuth may do`, async () => {
    const claims = await playAll(CHOSEN, falseClaimsOf);
    expect(claims.filter((each) => !Array.isArray(each) || each.length > 0)).toEqual([]);
  }, 900_000);
});
