import { type Issuer, startIssuer, SUBJECT } from '../support/issuer';
import { credentials, type Stack, startStack } from '../support/stack';

const APPS = Array.from({ length: 120 }, (_, index) => ({
  id: `62f2093244fa5cb19f${String(index).padStart(6, '0')}`,
  name: `Application ${index}`,
}));

const REVOKE = `mutation ($userId: ID!) {
  revokeSessions(userId: $userId) { success requestId apiCode operationId applications }
}`;

interface Revoked {
  revokeSessions: {
    success: boolean;
    requestId: string | null;
    apiCode: number | null;
    operationId: string | null;
    applications: number | null;
  } | null;
}

describe('Mutation.revokeSessions', () => {
  let issuer: Issuer;
  let stack: Stack;

  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterAll(() => issuer.close());
  afterEach(() => stack.close());

  async function start(signedInApps: number, status: 'Activated' | 'Suspended' = 'Activated'): Promise<void> {
    const seed = {
      extIdps: [],
      applications: APPS,
      users: [{ id: SUBJECT, status, signedInApps: APPS.slice(0, signedInApps).map(({ id }) => id) }],
    };
    stack = await startStack({ issuer, emulator: { seed } });
  }

  const revoke = (claims: Record<string, unknown> = { sub: SUBJECT }, userId = SUBJECT) =>
    stack.ask<Revoked>(REVOKE, { userId }, credentials(issuer.token(claims)));
  const sent = () => stack.emulator.calls.filter(({ route }) => route === 'POST /api/v3/kick-users');

  test('signs users out of all applications, in requests of 50', async () => {
    await start(120);
    const { data, errors } = await revoke();
    expect(errors).toEqual([]);
    expect(data?.revokeSessions).toEqual({
      success: true,
      requestId: expect.any(String),
      apiCode: null,
      operationId: expect.any(String),
      applications: 120,
    });
    const operationId = data?.revokeSessions?.operationId;
    expect(sent().map(({ idempotencyKey }) => idempotencyKey)).toEqual([
      operationId,
      `${operationId}-2`,
      `${operationId}-3`,
    ]);
    expect(stack.emulator.store.signedInApps(SUBJECT)).toEqual([]);
  });

  test('sends nothing for a user who is signed in nowhere', async () => {
    await start(0);
    const { data } = await revoke();
    expect(data?.revokeSessions).toMatchObject({ success: true, operationId: null, applications: 0 });
    expect(sent()).toEqual([]);
  });

  test('is allowed for other users with the scope, and forbidden without it', async () => {
    await start(1);
    const forbidden = await revoke({ sub: '60194296801dc7bc2a1b2736', scope: 'identity:unlink identity:read' });
    expect(forbidden.errors[0]?.extensions).toEqual({ code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' });
    expect(stack.emulator.calls).toEqual([]);
    const { data } = await revoke({ sub: 'operator', scope: 'identity:sessions' });
    expect(data?.revokeSessions).toMatchObject({ success: true, applications: 1 });
  });

  test('is forbidden to users whose account is not active', async () => {
    await start(1, 'Suspended');
    const { errors } = await revoke();
    expect(errors[0]?.extensions).toEqual({ code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' });
    expect(sent()).toEqual([]);
  });

  test('sends nothing for users whose own status cannot be read', async () => {
    await start(1);
    stack.emulator.faults.set('get-user-batch', 'http-503');
    const { errors } = await revoke();
    expect(errors[0]?.extensions).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED' });
    expect(sent()).toEqual([]);
  });

  test('is the same for users whom GenAuth does not know, for every caller', async () => {
    await start(1);
    const { data } = await revoke({ sub: 'f'.repeat(24) }, 'f'.repeat(24));
    expect(data?.revokeSessions).toMatchObject({ success: false, apiCode: 2004, applications: 0 });
  });

  test('succeeds if a response is lost and a check shows that the user is signed out', async () => {
    await start(1);
    stack.emulator.faults.set('kick-users', 'reset-after-execute');
    const { data } = await revoke();
    expect(data?.revokeSessions).toMatchObject({ success: true, applications: 1 });
    expect(sent()).toHaveLength(1);
  });

  test('is unknown if GenAuth confirms it and a check shows that the user is still signed in', async () => {
    await start(1);
    stack.emulator.switches.sessionsAfterKick = 'kept';
    const { data, errors } = await revoke();
    expect(data).toEqual({ revokeSessions: null });
    expect(errors[0]?.extensions).toMatchObject({ outcome: 'UNKNOWN', operationId: expect.any(String) });
    expect(errors[0]?.extensions).not.toHaveProperty('retryAfterMs');
  });

  test('is done, without a number, if GenAuth confirms it and every check fails', async () => {
    await start(1);
    stack.emulator.faults.set('check-session-status', 'http-503');
    const { data, errors } = await revoke();
    expect(errors).toEqual([]);
    expect(data?.revokeSessions).toMatchObject({ success: true, applications: null });
  });

  test('reports a user whom GenAuth does not know', async () => {
    await start(1);
    const { data } = await revoke({ sub: 'operator', scope: 'identity:sessions' }, 'f'.repeat(24));
    expect(data?.revokeSessions).toMatchObject({ success: false, apiCode: 2004, applications: 0 });
    expect(sent()).toEqual([]);
  });
});
