import * as fc from 'fast-check';
import { createPool } from '../../src/emulator';
import { type Stack, startStack } from '../support/stack';

const RUNS = Number(process.env['EXECUTOR_RUNS'] ?? '300');

/** Response names are few, so that they meet: what is asked for twice has to be merged. */
const alias = fc.constantFrom('', '', '', 'a: ', 'b: ', 'id: ');
const directive = fc.constantFrom('', '', '', '', '', ' @skip(if: $yes)', ' @include(if: $yes)', ' @include(if: $no)');
const leafOf = (names: readonly string[]) =>
  fc.tuple(alias, fc.constantFrom(...names), directive).map((parts) => parts.join(''));

const IDENTITY_LEAVES = [
  '__typename',
  'id',
  'extIdpId',
  'provider',
  'type',
  'userIdInIdp',
  'userInfoInIdp',
  'originConnIds',
];

const identitySelection = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: leafOf(IDENTITY_LEAVES) },
    { weight: 1, arbitrary: leafOf(IDENTITY_LEAVES).map((leaf) => `... on Identity { ${leaf} }`) },
    { weight: 1, arbitrary: fc.constant('...Row') },
  ),
  { minLength: 1, maxLength: 4 },
);

const userField = fc.oneof(
  { weight: 2, arbitrary: leafOf(['id', '__typename']) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('', '', 'i: ', 'j: '), directive, identitySelection)
      .map(([name, skip, rows]) => `${name}identities${skip} { ${rows.join(' ')} }`),
  },
);

const entitySelection = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: userField.map((field) => `... on User { ${field} }`) },
    { weight: 1, arbitrary: fc.constant('__typename') },
    { weight: 1, arbitrary: fc.constant('... { __typename }') },
    { weight: 1, arbitrary: fc.constant('...Person') },
    { weight: 1, arbitrary: directive.map((skip) => `... on User${skip} { id }`) },
  ),
  { minLength: 1, maxLength: 4 },
);

const root = fc.oneof(
  {
    weight: 8,
    arbitrary: entitySelection.map((selection) => `_entities(representations: $users) { ${selection.join(' ')} }`),
  },
  {
    weight: 1,
    arbitrary: entitySelection.map((selection) => `e: _entities(representations: $users) { ${selection.join(' ')} }`),
  },
  { weight: 1, arbitrary: fc.constant('__typename') },
  { weight: 1, arbitrary: fc.constant('_service { sdl }') },
);

/** Unused variables and fragments are not allowed, so that they are declared where they occur. */
const document = fc.array(root, { minLength: 1, maxLength: 2 }).map((fields) => {
  const person = 'fragment Person on User { id i: identities { provider } }';
  const row = 'fragment Row on Identity { type extIdpId }';
  const body = `{ ${fields.join(' ')} }`;
  const fragments = [person, row].filter((text) => body.includes(`...${text.split(' ')[1]}`)).join(' ');
  const declared = [
    ['$users', '[_Any!]!'],
    ['$yes', 'Boolean = true'],
    ['$no', 'Boolean!'],
  ].filter(([name]) => body.includes(name ?? ''));
  const variables = declared.length === 0 ? '' : `(${declared.map((pair) => pair.join(': ')).join(', ')})`;
  return `query Q${variables} ${body} ${fragments}`;
});

describe('the two executors', () => {
  let fast: Stack;
  let reference: Stack;
  let ids: string[];

  beforeAll(async () => {
    const seed = createPool({ users: 8, identitiesPerUser: 2 });
    // An id of the request that differs would be a difference.
    const options = { seed, qps: Infinity, switches: { requestId: 'never' as const } };
    const env = { GENAUTH_MAX_QPS: '1000000', GENAUTH_ID_PATTERN: '[0-9a-z]+' };
    [fast, reference] = await Promise.all([
      startStack({ emulator: options, env }),
      startStack({ emulator: options, env: { ...env, EXECUTOR: 'graphql-js' } }),
    ]);
    ids = fast.emulator.store.users().map(({ profile }) => profile.userId);
    for (const { emulator } of [fast, reference]) {
      for (const { identityId: _id, ...row } of emulator.store.identitiesOf(ids[0] ?? ''))
        emulator.store.unlink({ userId: ids[0] ?? '', extIdpId: row.extIdpId });
    }
  });
  afterAll(() => Promise.all([fast.close(), reference.close()]));

  async function answerOf(
    stack: Stack,
    query: string,
    variables: object,
  ): Promise<{ status: number; body: string; calls: number }> {
    stack.emulator.clearCalls();
    const response = await fetch(`${stack.subgraph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, body: await response.text(), calls: stack.emulator.calls.length };
  }

  async function expectSame(query: string, variables: object): Promise<string> {
    const [one, other] = await Promise.all([answerOf(fast, query, variables), answerOf(reference, query, variables)]);
    expect(one).toEqual(other);
    return one.body;
  }

  const representation = fc.oneof(
    { weight: 10, arbitrary: fc.nat(7).map((index) => () => ({ __typename: 'User', id: ids[index] ?? '' })) },
    { weight: 1, arbitrary: fc.constant(() => ({ __typename: 'User', id: 'f'.repeat(24) })) },
    { weight: 1, arbitrary: fc.constant(() => ({ __typename: 'User', id: 'not an id' })) },
    { weight: 1, arbitrary: fc.constant(() => ({ __typename: 'User', id: 7 })) },
    { weight: 1, arbitrary: fc.constant(() => ({ __typename: 'Order', id: 'x' })) },
    { weight: 1, arbitrary: fc.constant(() => null) },
  );

  test(`give the same bytes for ${RUNS} generated operations`, async () => {
    let withData = 0;
    await fc.assert(
      fc.asyncProperty(document, fc.array(representation, { maxLength: 6 }), async (query, users) => {
        const body = await expectSame(query, { users: users.map((make) => make()), yes: true, no: false });
        if (body.startsWith('{"data":{"_entities":[{')) withData++;
      }),
      { numRuns: RUNS, seed: 20261124 },
    );
    // Most documents are to be valid, or nothing would have been compared.
    expect(withData).toBeGreaterThan(RUNS / 8);
  }, 600_000);

  test.each(['http-503', 'envelope-400', 'envelope-404/2004', 'wrong-shape', 'user-mismatch', 'not-json'] as const)(
    'give the same bytes when GenAuth answers with %s, and ask it as often',
    async (fault) => {
      for (const { emulator } of [fast, reference]) emulator.faults.set('*', fault);
      const query =
        'query ($users: [_Any!]!) { _entities(representations: $users) { ... on User { id identities { id } } } }';
      const body = await expectSame(query, { users: ids.slice(0, 3).map((id) => ({ __typename: 'User', id })) });
      for (const { emulator } of [fast, reference]) emulator.faults.clear();
      expect(body).toContain('"_entities":[');
    },
  );

  test('both answer a mutation, which only graphql-js executes', async () => {
    const [, userId = ''] = ids;
    const extIdpId = fast.emulator.store.identitiesOf(userId)[0]?.extIdpId ?? '';
    const query = `mutation { unlinkIdentity(userId: "${userId}", extIdpId: "${extIdpId}") { success user { identities { extIdpId } } } }`;
    await expectSame(query, {});
    expect(fast.emulator.store.executions).toHaveLength(1);
  });
});
