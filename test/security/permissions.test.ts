import { type Issuer, startIssuer, SUBJECT } from '../support/issuer';
import {
  credentials,
  ENTITIES,
  type EntitiesAnswer,
  representations,
  type Stack,
  startStack,
  UNLINK,
  type UnlinkAnswer,
} from '../support/stack';

const OTHER = '60194296801dc7bc2a1b2736';
const NOBODY = 'f'.repeat(24);
const SOURCE = '62f20932716fbcc10d966ee6';
const SECOND_SOURCE = '62f20932716fbcc10d966ee7';
/** No user is linked to this source, so that an unlink from it removes nothing. */
const UNUSED_SOURCE = '62f20932716fbcc10d966ee8';

const SEED = {
  extIdps: [
    { id: SOURCE, name: 'GitHub', type: 'github' },
    { id: SECOND_SOURCE, name: 'Google', type: 'google' },
    { id: UNUSED_SOURCE, name: 'Lark', type: 'lark' },
  ],
  users: [
    {
      id: SUBJECT,
      identities: [
        { extIdpId: SOURCE, userIdInIdp: 'self-1' },
        { extIdpId: SECOND_SOURCE, userIdInIdp: 'self-2' },
      ],
    },
    { id: OTHER, identities: [{ extIdpId: SOURCE, userIdInIdp: 'other-1' }] },
  ],
};

const FORBIDDEN = { code: 'FORBIDDEN' };
const NOT_EXECUTED = { code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' };

describe('what a caller may do', () => {
  let issuer: Issuer;
  const stacks = new Map<string, Stack>();

  beforeAll(async () => {
    issuer = await startIssuer();
    for (const SELF_UNLINK of ['allow', 'deny']) {
      stacks.set(SELF_UNLINK, await startStack({ issuer, emulator: { seed: SEED }, env: { SELF_UNLINK } }));
    }
  });
  beforeEach(() => stacks.forEach(({ emulator }) => emulator.clearCalls()));
  afterAll(async () => {
    for (const stack of stacks.values()) await stack.close();
    await issuer.close();
  });

  const as = (claims: Record<string, unknown>) => credentials(issuer.token(claims));

  function stackOf(selfUnlink: string): Stack {
    const stack = stacks.get(selfUnlink);
    if (stack === undefined) throw new Error(`there is no stack with SELF_UNLINK ${selfUnlink}`);
    return stack;
  }

  async function mayRead(stack: Stack, claims: Record<string, unknown>, userId: string): Promise<boolean> {
    stack.emulator.clearCalls();
    const { data, errors } = await stack.ask<EntitiesAnswer>(ENTITIES, representations([userId]), as(claims));
    const allowed = data?._entities[0]?.identities !== null;
    expect(errors.map(({ extensions }) => extensions)).toEqual(allowed ? [] : [FORBIDDEN]);
    expect(stack.emulator.calls.flatMap(({ userIds }) => userIds)).toEqual(allowed ? [userId] : []);
    return allowed;
  }

  async function mayUnlink(stack: Stack, claims: Record<string, unknown>, userId: string): Promise<boolean> {
    stack.emulator.clearCalls();
    const query = UNLINK.replace('user { id identities { extIdpId type } }', '');
    const { data, errors } = await stack.ask<UnlinkAnswer>(query, { userId, extIdpId: UNUSED_SOURCE }, as(claims));
    const allowed = data?.unlinkIdentity?.success === true;
    expect(errors.map(({ extensions }) => extensions)).toEqual(allowed ? [] : [NOT_EXECUTED]);
    const sent = stack.emulator.calls.filter(({ route }) => route === 'POST /api/v3/unlink-identity');
    expect(allowed ? sent.length : stack.emulator.calls.length).toBe(allowed ? 1 : 0);
    return allowed;
  }

  async function powers(stack: Stack, claims: Record<string, unknown>): Promise<string> {
    const yes = [
      (await mayRead(stack, claims, SUBJECT)) && 'reads self',
      (await mayRead(stack, claims, OTHER)) && 'reads others',
      (await mayUnlink(stack, claims, SUBJECT)) && 'unlinks self',
      (await mayUnlink(stack, claims, OTHER)) && 'unlinks others',
    ];
    return yes.filter((word) => word !== false).join(', ');
  }

  const READER = 'openid identity:read';
  const UNLINKER = 'identity:unlink';
  const BOTH = `${READER} ${UNLINKER}`;
  const ALL = 'reads self, reads others, unlinks self, unlinks others';

  test.each([
    ['a user', 'allow', {}, 'reads self, unlinks self'],
    ['a user', 'deny', {}, 'reads self'],
    ['a user who reads', 'allow', { scope: READER }, 'reads self, reads others, unlinks self'],
    ['a user who reads', 'deny', { scope: READER }, 'reads self, reads others'],
    ['a user who unlinks', 'allow', { scope: UNLINKER }, 'reads self, unlinks self, unlinks others'],
    ['a user who unlinks', 'deny', { scope: UNLINKER }, 'reads self, unlinks self, unlinks others'],
    ['a user who does both', 'deny', { scope: BOTH }, ALL],
    ['a machine', 'allow', { sub: undefined }, ''],
    ['a machine that reads', 'allow', { sub: undefined, scope: READER }, 'reads self, reads others'],
    ['a machine that unlinks', 'deny', { sub: undefined, scope: UNLINKER }, 'unlinks self, unlinks others'],
    ['a machine with a list of scopes', 'deny', { sub: undefined, scope: [READER, 'identity:read', UNLINKER] }, ALL],
    ['a scope in other letters', 'allow', { sub: undefined, scope: 'Identity:Read IDENTITY:UNLINK identity:*' }, ''],
    ['a user whose id is in other letters', 'allow', { sub: SUBJECT.toUpperCase() }, ''],
  ])(
    'is the same as in the table of docs/security.md: %s, SELF_UNLINK=%s',
    async (_who, selfUnlink, claims, expected) => {
      expect(await powers(stackOf(selfUnlink), claims)).toBe(expected);
    },
  );

  test('is rejected with the same bytes whether the user exists or not', async () => {
    const { subgraph, emulator } = stackOf('allow');
    const answer = async (query: string, userId: string) => {
      const response = await fetch(`${subgraph.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...as({}) },
        body: JSON.stringify({ query, variables: { userId, extIdpId: SOURCE, ...representations([userId]) } }),
      });
      return (await response.text()).replaceAll(userId, 'THE-USER');
    };
    for (const query of [ENTITIES, ENTITIES.replace(/identities \{.*?\}/, ''), UNLINK]) {
      expect(await answer(query, NOBODY)).toBe(await answer(query, OTHER));
    }
    expect(emulator.calls).toEqual([]);
  });

  test('is decided for each user of a batch', async () => {
    const stack = stackOf('allow');
    const users = representations([OTHER, SUBJECT, NOBODY, SUBJECT]);
    const { data, errors } = await stack.ask<EntitiesAnswer>(ENTITIES, users, as({}));
    expect(data?._entities.map((user) => user?.identities?.length ?? null)).toEqual([null, 2, null, 2]);
    expect(errors.map(({ path, extensions }) => [path, extensions])).toEqual([
      [['_entities', 0, 'identities'], FORBIDDEN],
      [['_entities', 2, 'identities'], FORBIDDEN],
    ]);
    expect(stack.emulator.calls.flatMap(({ userIds }) => userIds)).toEqual([SUBJECT]);
  });

  test('is not extended by an unlink: a caller who may not read gets the payload without the remaining identities', async () => {
    const claims = { sub: undefined, scope: UNLINKER };
    const variables = { userId: OTHER, extIdpId: UNUSED_SOURCE };
    const { data, errors } = await stackOf('allow').ask<UnlinkAnswer>(UNLINK, variables, as(claims));
    expect(data?.unlinkIdentity).toMatchObject({ success: true, removed: null, user: null });
    expect(errors).toEqual([]);
  });

  test('is not decided by what the request claims', async () => {
    const { subgraph, emulator } = stackOf('allow');
    const claims = { sub: OTHER, scope: BOTH };
    const response = await fetch(`${subgraph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user-id': OTHER, 'x-forwarded-user': OTHER, ...as({}) },
      body: JSON.stringify({ query: ENTITIES, variables: representations([OTHER]), extensions: { claims }, ...claims }),
    });
    const { errors } = (await response.json()) as { errors: { extensions: unknown }[] };
    expect(errors.map(({ extensions }) => extensions)).toEqual([FORBIDDEN]);
    expect(emulator.calls).toEqual([]);
  });
});
