import { startStack } from '../support/stack';
import { playAll } from './play';
import { ACCOUNT, appId, OTHER_USER, SOURCE, USER, WRITE_CASES, type WriteCase } from './writeCases';

const LINK = `mutation ($userId: ID!, $extIdpId: ID!, $userIdInIdp: String!) {
  write: linkIdentity(userId: $userId, extIdpId: $extIdpId, userIdInIdp: $userIdInIdp) {
    success operationId user { identities { extIdpId type userIdInIdp } }
  }
}`;
const REVOKE =
  'mutation ($userId: ID!) { write: revokeSessions(userId: $userId) { success operationId applications } }';

interface Payload {
  success: boolean;
  operationId: string | null;
  user?: object | null;
  applications?: number | null;
}

/** The result of a write, and what the emulator shows after it. */
interface Report extends Pick<WriteCase, 'gets' | 'outcome' | 'isUnread' | 'posts' | 'reads'> {
  executions: number;
  /** How often the request with each idempotency key was executed, at most. */
  mostPerKey: number;
  /** Whether the state is reached that the write asks for. */
  isReached: boolean;
  /** Whether the error has `retryAfterMs`. */
  hasRetryAfter: boolean;
  applications: number | null;
  signedIn: number;
}

async function play(row: WriteCase): Promise<Report> {
  const { write, faults = {}, switches = {}, apps = 2, userId = USER, extIdpId = SOURCE } = row;
  const hangs = Object.values(faults).some((fault) => typeof fault === 'string' && fault.startsWith('hang'));
  const signedInApps = Array.from({ length: apps }, (_app, index) => appId(index));
  const stack = await startStack({
    emulator: {
      qps: 0,
      switches,
      seed: {
        extIdps: [{ id: SOURCE, name: 'GitHub', type: 'github' }],
        applications: Array.from({ length: 60 }, (_app, index) => ({ id: appId(index), name: `${index}` })),
        users: [{ id: USER, signedInApps }, { id: OTHER_USER }],
      },
    },
    env: {
      GENAUTH_MAX_QPS: '10000',
      GENAUTH_READ_TIMEOUT_MS: '10000',
      // Long enough for a slow machine, except where the response never arrives.
      GENAUTH_WRITE_TIMEOUT_MS: hangs ? '1000' : '10000',
      REQUEST_DEADLINE_MS: '18000',
    },
  });
  const { store } = stack.emulator;
  try {
    row.before?.(store);
    for (const [route, fault] of Object.entries(faults)) stack.emulator.faults.set(route, fault);
    const variables = write === 'link' ? { userId, extIdpId, userIdInIdp: ACCOUNT } : { userId };
    const query = write === 'link' ? LINK : REVOKE;
    const { data, errors } = await stack.ask<{ write: Payload | null }>(query, variables);
    const payload = data?.write ?? null;
    const { code, outcome, retryAfterMs } = errors[0]?.extensions ?? {};
    const route = write === 'link' ? 'POST /api/v3/link-identity' : 'POST /api/v3/kick-users';
    const posts = stack.emulator.calls.filter((call) => call.route === route).length;
    const executed = write === 'link' ? store.linkExecutions : store.kickExecutions;
    const keys = executed.map(({ idempotencyKey }) => idempotencyKey);
    const isUnread = payload?.user === null || payload?.applications === null;
    return {
      gets: payload === null ? String(code) : `success: ${payload.success}`,
      ...(outcome === undefined ? {} : { outcome: outcome as 'UNKNOWN' }),
      ...(isUnread ? { isUnread } : {}),
      posts,
      reads: stack.emulator.calls.length - posts,
      executions: executed.length,
      mostPerKey: Math.max(0, ...keys.map((key) => keys.filter((other) => other === key).length)),
      isReached:
        write === 'link'
          ? store
              .identitiesOf(userId)
              .some((identity) => identity.userIdInIdp === ACCOUNT && identity.type === 'generic')
          : signedInApps.every((app) => !store.signedInApps(userId).includes(app)),
      hasRetryAfter: retryAfterMs !== undefined,
      applications: payload?.applications ?? null,
      signedIn: apps - store.signedInApps(userId).filter((app) => signedInApps.includes(app)).length,
    };
  } finally {
    await stack.close();
  }
}

describe('a link and a revocation of sessions have the result of their row', () => {
  let reports: Report[];

  beforeAll(async () => {
    reports = await playAll(WRITE_CASES, play);
  }, 120_000);

  test.each(WRITE_CASES.map(({ write, name }, index) => [write, name, index] as const))('%s: %s', (_w, _n, index) => {
    const { executions, mostPerKey, isReached, hasRetryAfter, applications, signedIn, ...result } = reports[
      index
    ] as Report;
    const { gets, outcome, isUnread, posts, reads } = WRITE_CASES[index] as WriteCase;
    expect(result).toEqual({
      gets,
      ...(outcome === undefined ? {} : { outcome }),
      ...(isUnread === true ? { isUnread } : {}),
      posts,
      reads,
    });
    // Whatever the row says, the result is true.
    expect(mostPerKey).toBeLessThanOrEqual(1);
    if (gets === 'success: true') expect(isReached).toBe(true);
    if (outcome === 'NOT_EXECUTED') expect(executions).toBe(0);
    if (gets === 'success: false' && posts === 1) expect(executions).toBe(0);
    if (outcome === 'UNKNOWN') expect(hasRetryAfter).toBe(false);
    if (applications !== null) expect(applications).toBeLessThanOrEqual(signedIn);
  });
});
