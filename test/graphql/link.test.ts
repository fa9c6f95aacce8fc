import { type Issuer, startIssuer, SUBJECT } from '../support/issuer';
import { credentials, type Stack, startStack } from '../support/stack';

const SOURCE = '62f20932716fbcc10d966ee6';
const OTHER = '60194296801dc7bc2a1b2736';

const SEED = {
  extIdps: [{ id: SOURCE, name: 'GitHub', type: 'github' }],
  users: [{ id: SUBJECT }, { id: OTHER, identities: [{ extIdpId: SOURCE, userIdInIdp: 'taken' }] }],
};

const LINK = `mutation ($userId: ID!, $extIdpId: ID!, $userIdInIdp: String!, $type: String) {
  linkIdentity(userId: $userId, extIdpId: $extIdpId, userIdInIdp: $userIdInIdp, type: $type) {
    success requestId apiCode operationId user { id identities { extIdpId userIdInIdp type } }
  }
}`;

interface Linked {
  linkIdentity: {
    success: boolean;
    requestId: string | null;
    apiCode: number | null;
    operationId: string | null;
    user: { id: string; identities: { extIdpId: string; userIdInIdp: string; type: string }[] } | null;
  } | null;
}

describe('Mutation.linkIdentity', () => {
  let issuer: Issuer;
  let stack: Stack;

  beforeAll(async () => {
    issuer = await startIssuer();
  });
  beforeEach(async () => {
    stack = await startStack({ issuer, emulator: { seed: SEED } });
  });
  afterEach(() => stack.close());
  afterAll(() => issuer.close());

  const ADMIN = { sub: 'operator', scope: 'identity:link identity:read' };
  const link = (variables: Record<string, unknown> = {}, claims: Record<string, unknown> = ADMIN) =>
    stack.ask<Linked>(
      LINK,
      { userId: SUBJECT, extIdpId: SOURCE, userIdInIdp: 'octocat', ...variables },
      credentials(issuer.token(claims)),
    );
  const sent = () => stack.emulator.calls.filter(({ route }) => route === 'POST /api/v3/link-identity');

  test('links the account, and the payload contains the user as read afterwards', async () => {
    const { data, errors } = await link();
    expect(errors).toEqual([]);
    expect(data?.linkIdentity).toEqual({
      success: true,
      requestId: expect.any(String),
      apiCode: null,
      operationId: expect.any(String),
      user: { id: SUBJECT, identities: [{ extIdpId: SOURCE, userIdInIdp: 'octocat', type: 'generic' }] },
    });
    expect(sent()).toHaveLength(1);
    expect(sent()[0]?.idempotencyKey).toBe(data?.linkIdentity?.operationId);
  });

  test.each<[string, Record<string, unknown>]>([
    ['the user', { sub: SUBJECT, scope: 'openid' }],
    ['the user with the scope to unlink', { sub: SUBJECT, scope: 'identity:unlink identity:read' }],
  ])('is forbidden to %s, and sends nothing', async (_caller, claims) => {
    const { data, errors } = await link({}, claims);
    expect(data).toEqual({ linkIdentity: null });
    expect(errors[0]?.extensions).toEqual({ code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' });
    expect(stack.emulator.calls).toEqual([]);
  });

  test('does not show the user to a caller who may link but not read', async () => {
    const { data } = await link({}, { sub: 'operator', scope: 'identity:link' });
    expect(data?.linkIdentity).toMatchObject({ success: true, user: null });
  });

  test('reports that GenAuth refused, for example because the account is taken', async () => {
    const { data, errors } = await link({ userIdInIdp: 'taken' });
    expect(errors).toEqual([]);
    expect(data?.linkIdentity).toMatchObject({ success: false, user: { identities: [] } });
  });

  test('succeeds if the response is lost and a read shows the identity', async () => {
    stack.emulator.faults.set('link-identity', 'reset-after-execute');
    const { data, errors } = await link();
    expect(errors).toEqual([]);
    expect(data?.linkIdentity).toMatchObject({ success: true, requestId: null });
    expect(sent()).toHaveLength(1);
  });

  test('is unknown if the response is lost and no read shows the identity', async () => {
    stack.emulator.faults.set('link-identity', 'reset-before-execute');
    const { data, errors } = await link();
    expect(data).toEqual({ linkIdentity: null });
    expect(errors[0]?.extensions).toEqual({
      code: 'LINK_OUTCOME_UNKNOWN',
      outcome: 'UNKNOWN',
      operationId: expect.any(String),
    });
    expect(sent()).toHaveLength(1);
  });

  test('is done, without the user and without an error, if GenAuth confirms it and every read fails', async () => {
    stack.emulator.faults.set('get-user-batch', 'http-503');
    const { data, errors } = await link();
    expect(errors).toEqual([]);
    expect(data?.linkIdentity).toMatchObject({ success: true, user: null });
  });

  test.each([
    ['empty', ''],
    ['longer than 512 characters', 'x'.repeat(513)],
    ['one that could pass for another parameter', 'octocat&type=openid'],
    ['one with a line break', 'octo\ncat'],
  ])('refuses an account that is %s, without repeating it', async (_title, userIdInIdp) => {
    const { errors } = await link({ userIdInIdp });
    expect(errors[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', outcome: 'NOT_EXECUTED' });
    if (userIdInIdp !== '') expect(JSON.stringify(errors)).not.toContain(userIdInIdp);
    expect(sent()).toEqual([]);
  });
});
