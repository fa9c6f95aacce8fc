import { Writable } from 'node:stream';
import { rawJson, type SeedUser } from '../../src/emulator';
import { createLog } from '../../src/log';
import { ENTITIES, type EntitiesAnswer, representations, type Stack, startStack, UNLINK } from '../support/stack';

const SOURCE = 'a'.repeat(24);
const OTHER_SOURCE = 'c'.repeat(24);

const idOf = (index: number): string => `b${String(index).padStart(23, '0')}`;

/** Users whose rows differ from GenAuth's documentation, and what is read of them. Null: the identities cannot be read. */
const USERS: [string, Omit<SeedUser, 'id'>, object[] | null][] = [
  [
    'numbers',
    {
      rawIdentities: [
        { identityId: 7, extIdpId: SOURCE, provider: 1, type: 2, userIdInIdp: rawJson('12345678901234567890') },
      ],
    },
    [{ id: '7', extIdpId: SOURCE, provider: '1', type: '2', userIdInIdp: '12345678901234567890', originConnIds: [] }],
  ],
  [
    'missing columns',
    { rawIdentities: [{ identityId: 'i' }, null, { identityId: 'j', extIdpId: SOURCE, type: null }] },
    [
      { id: 'i', extIdpId: null, provider: null, type: 'generic', userIdInIdp: null, userInfoInIdp: null },
      { id: 'j', extIdpId: SOURCE, type: 'generic' },
    ],
  ],
  [
    'texts that contain JSON',
    {
      rawIdentities: [
        {
          identityId: 'i',
          extIdpId: SOURCE,
          originConnIds: '["c1","c2"]',
          userInfoInIdp: '{"login":"x","access_token":"hunter2","id":12345678901234567890}',
        },
      ],
    },
    [{ originConnIds: ['c1', 'c2'], userInfoInIdp: { login: 'x', id: '12345678901234567890' } }],
  ],
  ['one object', { rawIdentities: [{ identityId: 'i', extIdpId: SOURCE }], identitiesAs: 'object' }, [{ id: 'i' }]],
  ['a text', { rawIdentities: [{ identityId: 'i', extIdpId: SOURCE }], identitiesAs: 'text' }, [{ id: 'i' }]],
  ['null', { rawIdentities: [{ identityId: 'i', extIdpId: SOURCE }], identitiesAs: 'null' }, []],
  ['no member', { rawIdentities: [{ identityId: 'i', extIdpId: SOURCE }], identitiesAs: 'absent' }, []],
  [
    'a row twice',
    {
      rawIdentities: [
        { identityId: 'i', extIdpId: SOURCE },
        { identityId: 'i', extIdpId: SOURCE },
      ],
    },
    [{ id: 'i' }],
  ],
  ['a row without an id', { rawIdentities: [{ extIdpId: SOURCE, type: 'openid', userIdInIdp: 'hunter2' }] }, null],
  [
    'an id twice',
    {
      rawIdentities: [
        { identityId: 'i', extIdpId: SOURCE },
        { identityId: 'i', extIdpId: OTHER_SOURCE },
      ],
    },
    null,
  ],
  ['plain rows', { identities: [{ id: 'i', extIdpId: SOURCE, userIdInIdp: 'x' }] }, [{ id: 'i', type: 'generic' }]],
];

const ids = USERS.map((_user, index) => idOf(index));

describe.each(['fast', 'graphql-js'])('unexpected columns, with EXECUTOR=%s', (EXECUTOR) => {
  let stack: Stack;
  let logged: string;

  beforeEach(async () => {
    logged = '';
    const out = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        logged += chunk.toString();
        done();
      },
    });
    stack = await startStack({
      emulator: {
        seed: {
          extIdps: [SOURCE, OTHER_SOURCE].map((id) => ({ id, name: id, type: 'oidc' })),
          users: USERS.map(([, user], index) => ({ id: idOf(index), ...user })),
        },
      },
      env: { EXECUTOR, LAST_IDENTITY_GUARD: 'all' },
      log: createLog('info', out),
    });
  });
  afterEach(() => stack.close());

  test('affect only the user whose row cannot be used', async () => {
    const { data, errors } = await stack.ask<EntitiesAnswer>(ENTITIES, representations(ids));
    for (const [index, [name, , expected]] of USERS.entries()) {
      const identities = data?._entities[index]?.identities ?? null;
      expect({ name, identities }).toMatchObject({ name, identities: expected });
    }
    expect(errors.map(({ path, extensions }) => [path?.[1], extensions['code']])).toEqual([
      [8, 'UPSTREAM_BAD_RESPONSE'],
      [9, 'UPSTREAM_BAD_RESPONSE'],
    ]);
    expect(JSON.stringify(data)).not.toContain('hunter2');
  });

  test('are named in a metric and in the log, without their values', async () => {
    await stack.ask(ENTITIES, representations(ids));
    const metrics = await (await fetch(`${stack.subgraph.adminUrl}/metrics`)).text();
    expect(metrics).toContain('genauth_unusable_users_total{column="identityId"} 2');
    expect(logged).toMatch(/"column":"identityId","users":2/);
    expect(logged).not.toContain('hunter2');
  });

  test.each([
    ['numbers', '2'],
    ['missing columns', 'generic'],
    ['one object', null],
    ['a text', null],
    ['a row twice', null],
    ['a row without an id', 'openid'],
  ])('do not break the guard, nor the settling of a lost response: %s', async (name, type) => {
    const userId = idOf(USERS.findIndex(([each]) => each === name));
    const target = { userId, extIdpId: SOURCE, type };
    const refused = await stack.ask(UNLINK, target);
    expect(refused.errors[0]?.extensions).toMatchObject({ code: 'LAST_IDENTITY', outcome: 'NOT_EXECUTED' });
    Object.assign(stack.emulator.store.user(userId)?.profile ?? {}, { email: 'a@example.com', emailVerified: true });
    stack.emulator.faults.set('unlink-identity', 'reset-after-execute', { times: 1 });
    const unlinked = await stack.ask<{ unlinkIdentity: object }>(UNLINK, target);
    expect(unlinked.errors).toEqual([]);
    expect(unlinked.data?.unlinkIdentity).toMatchObject({ success: true });
    expect(stack.emulator.store.executions).toHaveLength(1);
  });

  test('leave an unlink unexecuted where the response does not say which identities there are', async () => {
    const userId = idOf(USERS.findIndex(([name]) => name === 'no member'));
    const { errors } = await stack.ask(UNLINK, { userId, extIdpId: SOURCE });
    expect(errors[0]?.extensions).toMatchObject({ code: 'UPSTREAM_BAD_RESPONSE', outcome: 'NOT_EXECUTED' });
    expect(stack.emulator.store.executions).toEqual([]);
  });
});
