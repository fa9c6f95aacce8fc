import { setTimeout as pause } from 'node:timers/promises';
import { type Stack, startStack, UNLINK, type UnlinkAnswer } from '../support/stack';

interface Target {
  userId: string;
  extIdpId: string;
  type: string;
}

describe('Mutation.unlinkIdentity', () => {
  let stack: Stack;
  let target: Target;

  beforeEach(async () => {
    stack = await startStack({ env: { MAX_MUTATION_FIELDS: '2' } });
    const user = stack.emulator.store.users().find(({ identities }) => identities.length > 1);
    const [row] = user?.identities ?? [];
    if (user === undefined || row === undefined) throw new Error('the seed has nobody with two identities');
    target = { userId: user.profile.userId, extIdpId: row.extIdpId, type: row.type };
  });
  afterEach(() => stack.close());

  const unlink = (variables: Partial<Target>) => stack.ask<UnlinkAnswer>(UNLINK, variables);
  const left = () => stack.emulator.store.identitiesOf(target.userId);
  const sent = () => stack.emulator.calls.filter(({ route }) => route === 'POST /api/v3/unlink-identity');

  test('unlinks every identity under the source, and the payload contains the user as read afterwards', async () => {
    const { userId, extIdpId } = target;
    const linked = left().filter((row) => row.extIdpId === extIdpId);
    const { status, data, errors } = await unlink({ userId, extIdpId });
    expect([status, errors]).toEqual([200, []]);
    expect(left().length).toBeGreaterThan(0);
    expect(left().some((row) => row.extIdpId === extIdpId)).toBe(false);
    expect(data?.unlinkIdentity).toEqual({
      success: true,
      requestId: expect.stringMatching(/^\S+$/),
      apiCode: null,
      operationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      removed: linked.map((row) => ({ id: row.identityId, extIdpId, type: row.type })),
      user: { id: userId, identities: left().map((row) => ({ extIdpId: row.extIdpId, type: row.type })) },
    });
  });

  test('unlinks only the identities of a given type, and every held type if none is given', async () => {
    const { userId, extIdpId, type } = target;
    stack.emulator.store.link(userId, { extIdpId, type: 'sibling', userIdInIdp: 'another' });
    await unlink({ userId, extIdpId, type });
    expect(
      left()
        .filter((row) => row.extIdpId === extIdpId)
        .map((row) => row.type),
    ).toContain('sibling');
    expect(left().some((row) => row.extIdpId === extIdpId && row.type === type)).toBe(false);
    const held = left().filter((row) => row.extIdpId === extIdpId);
    await unlink({ userId, extIdpId });
    expect(sent().map(({ data }) => data)).toEqual([
      { userId, extIdpId, type },
      ...held.map((each) => ({ userId, extIdpId, type: each.type })),
    ]);
    expect(held.length).toBeGreaterThan(1);
    expect(left().filter((row) => row.extIdpId === extIdpId)).toEqual([]);
  });

  test('sends a request without a type for a held type that cannot be part of a signed request', async () => {
    const { userId, extIdpId } = target;
    stack.emulator.store.link(userId, { extIdpId, type: '类 型', userIdInIdp: 'another' });
    const { data } = await unlink({ userId, extIdpId });
    expect(sent().map(({ data: request }) => request['type'])).toEqual(['openid', 'unionid', undefined]);
    expect(data?.unlinkIdentity?.removed).toHaveLength(3);
  });

  test('lists only identities of the source as removed, even if others disappear meanwhile', async () => {
    const { userId, extIdpId } = target;
    const other = left().find((row) => row.extIdpId !== extIdpId);
    stack.emulator.faults.set('unlink-identity', 'latency:300', { times: 1 });
    const unlinked = unlink({ userId, extIdpId });
    while (sent().length === 0) await pause(5);
    expect(stack.emulator.store.unlink({ userId, extIdpId: other?.extIdpId ?? '' })).toBeGreaterThan(0);
    const { removed = [], user } = (await unlinked).data?.unlinkIdentity ?? {};
    expect(new Set(removed?.map((identity) => identity.extIdpId))).toEqual(new Set([extIdpId]));
    expect(user?.identities).toEqual([]);
  });

  test('is visible to a later read of the same operation, even if the user was read before', async () => {
    const query = `mutation ($userId: ID!, $extIdpId: ID!) {
      before: unlinkIdentity(userId: $userId, extIdpId: "${'0'.repeat(24)}") { user { identities { extIdpId } } }
      unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { user { identities { extIdpId } } }
    }`;
    const { data } = await stack.ask<Record<string, { user: { identities: { extIdpId: string }[] } }>>(query, {
      ...target,
    });
    const before = data?.['before']?.user.identities.map(({ extIdpId }) => extIdpId);
    const after = data?.['unlinkIdentity']?.user.identities.map(({ extIdpId }) => extIdpId);
    expect(before).toContain(target.extIdpId);
    expect(after).not.toContain(target.extIdpId);
  });

  test('returns a refusal as a payload, without GenAuth’s message', async () => {
    const { data, errors } = await unlink({ ...target, userId: 'f'.repeat(24) });
    expect(errors).toEqual([]);
    expect(data?.unlinkIdentity).toMatchObject({ success: false, apiCode: 2004, user: null });
  });

  test('returns `success: false` as a payload', async () => {
    stack.emulator.faults.set('unlink-identity', 'success-false');
    const { data, errors } = await unlink(target);
    expect(errors).toEqual([]);
    expect(data?.unlinkIdentity).toMatchObject({ success: false });
  });

  test('sends nothing if an argument is not an id, and does not repeat the argument', async () => {
    const { data, errors } = await unlink({ ...target, userId: 'sentinel&userIdType=email' });
    expect(data).toEqual({ unlinkIdentity: null });
    expect(errors).toEqual([
      expect.objectContaining({
        message: 'userId is not an id of this user pool',
        path: ['unlinkIdentity'],
        extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_EXECUTED' },
      }),
    ]);
    expect(stack.emulator.calls).toEqual([]);
  });

  test('responds with NOT_EXECUTED if nothing can have arrived', async () => {
    await stack.emulator.close();
    const { data, errors } = await unlink(target);
    expect(data).toEqual({ unlinkIdentity: null });
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'UPSTREAM_UNAVAILABLE', outcome: 'NOT_EXECUTED', retryAfterMs: expect.any(Number) },
    ]);
  });

  test('responds with NOT_EXECUTED if GenAuth has too many requests', async () => {
    stack.emulator.faults.set('unlink-identity', 'http-429');
    const { errors } = await unlink(target);
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      expect.objectContaining({ code: 'UPSTREAM_RATE_LIMITED', outcome: 'NOT_EXECUTED' }),
    ]);
    expect(sent()).toHaveLength(1);
  });

  test('tells the caller nothing about the subgraph’s key when GenAuth rejects it', async () => {
    stack.emulator.switches.signatureBrand = 'authing';
    const { errors } = await unlink(target);
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      expect.objectContaining({ code: 'UPSTREAM_AUTH_FAILED', outcome: 'NOT_EXECUTED' }),
    ]);
    expect(errors[0]?.extensions).not.toHaveProperty('apiCode');
  });

  test('is settled by a read when the response is lost after the execution', async () => {
    stack.emulator.faults.set('unlink-identity', 'reset-after-execute');
    const { data, errors } = await unlink(target);
    expect(errors).toEqual([]);
    expect(data?.unlinkIdentity).toMatchObject({ success: true, requestId: null });
    expect(left().some((row) => row.extIdpId === target.extIdpId && row.type === target.type)).toBe(false);
    expect(sent()).toHaveLength(1);
  });

  test('responds with UNKNOWN when the response is lost and the identity is still there, and is not sent again', async () => {
    stack.emulator.faults.set('unlink-identity', 'reset-before-execute');
    const { data, errors } = await unlink(target);
    expect(data).toEqual({ unlinkIdentity: null });
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', operationId: expect.any(String) },
    ]);
    expect(sent()).toHaveLength(1);
  });
});
