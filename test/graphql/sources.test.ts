import { createPool } from '../../src/emulator';
import { WEB } from '../../src/emulator/builtInSources';
import { startIssuer } from '../support/issuer';
import { credentials, representations, type Stack, startStack, userIdsOf } from '../support/stack';

const PAGE = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on User { id identities { id extIdpId label source { id name provider logo } unlinkBlockedBy } }
  }
}`;
const LINKABLE = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on User { id linkableSources { id name provider logo } } }
}`;
const SOURCES = '{ identitySources { id name provider logo } }';

interface Source {
  id: string;
  name: string;
  provider: string;
  logo: string | null;
}

interface PageAnswer {
  _entities: { id: string; identities: { extIdpId: string; label: string | null; source: Source | null }[] }[];
}

interface LinkableAnswer {
  _entities: { id: string; linkableSources: Source[] | null }[];
}

function callsOf({ emulator }: Stack): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { route } of emulator.calls) counts[String(route)] = (counts[String(route)] ?? 0) + 1;
  return counts;
}

describe.each(['fast', 'graphql-js'] as const)('with the executor %s', (EXECUTOR) => {
  let stack: Stack;
  let withApplications: Stack;
  let ids: string[];

  beforeEach(async () => {
    stack = await startStack({ env: { EXECUTOR } });
    withApplications = await startStack({ env: { EXECUTOR, GENAUTH_APP_IDS: WEB } });
    ids = userIdsOf(stack.emulator);
  });
  afterEach(() => Promise.all([stack.close(), withApplications.close()]));

  describe('Identity.source', () => {
    test('has the name, the provider and the logo that GenAuth lists, and is null for a deleted source', async () => {
      const { data, errors } = await stack.ask<PageAnswer>(PAGE, representations(ids));
      expect(errors).toEqual([]);
      const listed = new Map(stack.emulator.store.extIdps().map((source) => [source.id, source]));
      const identities = data?._entities.flatMap((user) => user.identities) ?? [];
      for (const { extIdpId, source } of identities) {
        const { id, name, type: provider, logo } = listed.get(extIdpId) ?? {};
        expect(source).toEqual(id === undefined ? null : { id, name, provider, logo });
      }
      expect(identities.filter(({ source }) => source === null)).toHaveLength(1);
    });

    test('costs one call for the list, with label and unlinkBlockedBy of 50 users, and none for the next page', async () => {
      const seed = createPool({ users: 50, identitiesPerUser: 3 });
      const large = await startStack({ env: { EXECUTOR }, emulator: { seed, qps: Infinity } });
      try {
        const page = representations(userIdsOf(large.emulator));
        await large.ask(PAGE, page);
        expect(callsOf(large)).toEqual({ 'GET /api/v3/get-user-batch': 1, 'GET /api/v3/list-ext-idp': 1 });
        large.emulator.clearCalls();
        await Promise.all([large.ask(PAGE, page), large.ask(PAGE, page)]);
        expect(callsOf(large)['GET /api/v3/list-ext-idp']).toBeUndefined();
      } finally {
        await large.close();
      }
    });

    test('of concurrent first requests is read with one call', async () => {
      stack.emulator.faults.set('list-ext-idp', 'latency:100');
      await Promise.all(ids.map((id) => stack.ask(PAGE, representations([id]))));
      expect(callsOf(stack)['GET /api/v3/list-ext-idp']).toBe(1);
    });

    test('is null without an error if the list cannot be read', async () => {
      stack.emulator.faults.set('list-ext-idp', 'http-503');
      const { data, errors } = await stack.ask<PageAnswer>(PAGE, representations(ids.slice(0, 1)));
      expect(errors).toEqual([]);
      expect(data?._entities[0]?.identities.map(({ source }) => source)).toEqual([null, null, null]);
    });
  });

  test('Identity.label is the name in the profile of each identity, and costs no call', async () => {
    const query = PAGE.replace(/source \{.*\} unlinkBlockedBy/, '');
    const { data } = await stack.ask<PageAnswer>(query, representations(ids.slice(0, 6)));
    expect(data?._entities.map(({ identities }) => identities.map(({ label }) => label))).toEqual([
      ['三儿', null, 'zhangsan'],
      ['ada', 'ada@example.com'],
      [null, null, null],
      [],
      ['grace@example.com'],
      ['José Álvarez', 'jose@example.com'],
    ]);
    expect(callsOf(stack)).toEqual({ 'GET /api/v3/get-user-batch': 1 });
  });

  describe('User.linkableSources', () => {
    test('has the sources that the applications enable and the user is not linked to', async () => {
      const { data, errors } = await withApplications.ask<LinkableAnswer>(LINKABLE, representations(ids.slice(0, 4)));
      expect(errors).toEqual([]);
      expect(data?._entities.map(({ linkableSources }) => linkableSources?.map(({ name }) => name))).toEqual([
        ['Google', '飞书', 'Azure AD', 'Headquarters directory'],
        ['微信', '飞书', 'Azure AD', 'Headquarters directory'],
        ['微信', 'GitHub', 'Google', 'Azure AD', 'Headquarters directory'],
        ['微信', 'GitHub', 'Google', '飞书', 'Azure AD', 'Headquarters directory'],
      ]);
      expect(callsOf(withApplications)).toEqual({
        'GET /api/v3/get-user-batch': 1,
        'GET /api/v3/list-ext-idp': 1,
        'GET /api/v3/get-application': 1,
      });
    });

    test('is null without an error if no applications are configured', async () => {
      const { data, errors } = await stack.ask<LinkableAnswer>(LINKABLE, representations(ids.slice(0, 1)));
      expect([errors, data?._entities]).toEqual([[], [{ id: ids[0], linkableSources: null }]]);
    });

    test.each(['get-user-batch', 'list-ext-idp', 'get-application'])(
      'is null without an error if %s fails',
      async (route) => {
        withApplications.emulator.faults.set(route, 'http-503');
        const { data, errors } = await withApplications.ask<LinkableAnswer>(LINKABLE, representations(ids.slice(0, 1)));
        expect([errors, data?._entities]).toEqual([[], [{ id: ids[0], linkableSources: null }]]);
      },
    );

    test('is null if GenAuth names connections without their sources', async () => {
      withApplications.emulator.switches.enabledExtIdpConns = 'ids';
      const { data, errors } = await withApplications.ask<LinkableAnswer>(LINKABLE, representations(ids.slice(0, 1)));
      expect([errors, data?._entities]).toEqual([[], [{ id: ids[0], linkableSources: null }]]);
    });

    test('of a user that the caller may not read is FORBIDDEN, and nothing is sent to GenAuth', async () => {
      const issuer = await startIssuer();
      const strict = await startStack({ issuer, env: { EXECUTOR } });
      try {
        const headers = credentials(issuer.token());
        const { errors } = await strict.ask(LINKABLE, representations(ids.slice(0, 1)), headers);
        expect(errors).toEqual([
          expect.objectContaining({
            path: ['_entities', 0, 'linkableSources'],
            extensions: { code: 'FORBIDDEN' },
          }),
        ]);
        expect(strict.emulator.calls.filter(({ userIds }) => userIds.length > 0)).toEqual([]);
      } finally {
        await Promise.all([strict.close(), issuer.close()]);
      }
    });
  });

  describe('Query.identitySources', () => {
    test('lists all sources of the user pool in their order, with one call in 60 seconds', async () => {
      for (let request = 0; request < 3; request++) {
        const { data, errors } = await stack.ask<{ identitySources: Source[] }>(SOURCES);
        expect(errors).toEqual([]);
        expect(data?.identitySources).toEqual(
          stack.emulator.store.extIdps().map(({ id, name, type, logo }) => ({ id, name, provider: type, logo })),
        );
      }
      expect(callsOf(stack)).toEqual({ 'GET /api/v3/list-ext-idp': 1 });
    });

    test('is null with an error if they cannot be read', async () => {
      stack.emulator.faults.set('list-ext-idp', 'http-503');
      const { status, data, errors } = await stack.ask(SOURCES);
      expect([status, data]).toEqual([200, { identitySources: null }]);
      expect(errors).toEqual([
        expect.objectContaining({
          path: ['identitySources'],
          extensions: expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }),
        }),
      ]);
    });
  });
});
