import { setImmediate } from 'node:timers/promises';
import { startIssuer } from '../support/issuer';
import { type AnsweredError, credentials, representations, type Stack, startStack } from '../support/stack';

const USER = '6229ffa1c05e6bfcade3e3d2';
const SOURCE = '0'.repeat(24);
const FIELD = `unlinkIdentity(userId: "${USER}", extIdpId: "${SOURCE}") { success }`;

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join(' ');

interface Body {
  query: string;
  operationName?: string;
  variables?: unknown;
}

describe('the limits of a request', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ env: { MAX_MUTATION_FIELDS: '2', MAX_IN_FLIGHT: '4' } });
  });
  afterAll(() => stack.close());
  beforeEach(() => stack.emulator.clearCalls());

  async function post(body: Body | string): Promise<{ status: number; headers: Headers; errors: AnsweredError[] }> {
    const response = await fetch(`${stack.subgraph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const { errors = [] } = (await response.json()) as { errors?: AnsweredError[] };
    return { status: response.status, headers: response.headers, errors };
  }

  /** Expects a rejection with 400 and this code, and no call to GenAuth. */
  async function expectRefused(body: Body, code: string): Promise<void> {
    const { status, errors } = await post(body);
    const { validationErrorCode, code: general } = errors[0]?.extensions ?? {};
    expect([status, validationErrorCode ?? general]).toEqual([400, code]);
    expect(stack.emulator.calls).toEqual([]);
  }

  async function expectAccepted(body: Body | string): Promise<void> {
    const { status, errors } = await post(body);
    expect([status, errors]).toEqual([200, []]);
  }

  test('allow MAX_MUTATION_FIELDS fields in a mutation, and not one more', async () => {
    await expectAccepted({ query: `mutation { a: ${FIELD} b: ${FIELD} }` });
    expect(stack.emulator.store.executions).toHaveLength(2);
  });

  test.each<[string, Body]>([
    ['aliases', { query: `mutation { a: ${FIELD} b: ${FIELD} c: ${FIELD} }` }],
    ['a fragment', { query: `mutation { ...f } fragment f on Mutation { a: ${FIELD} b: ${FIELD} c: ${FIELD} }` }],
    [
      'nested fragments',
      {
        query: `mutation { a: ${FIELD} ...f } fragment f on Mutation { b: ${FIELD} ...g } fragment g on Mutation { c: ${FIELD} }`,
      },
    ],
    ['a fragment spread again and again', { query: `mutation { ...f ...f ...f } fragment f on Mutation { ${FIELD} }` }],
    [
      'inline fragments',
      { query: `mutation { ... on Mutation { a: ${FIELD} ... { b: ${FIELD} } } ... { c: ${FIELD} } }` },
    ],
    [
      'fields that @include may add',
      {
        query: `mutation ($yes: Boolean!) { a: ${FIELD} b: ${FIELD} c: ${FIELD.replace(' {', ' @include(if: $yes) {')} }`,
        variables: { yes: true },
      },
    ],
    [
      'fields that @skip does not skip',
      { query: `mutation { a: ${FIELD} b: ${FIELD} ... @skip(if: false) { c: ${FIELD} } }` },
    ],
    ['__typename beside them', { query: `mutation { a: ${FIELD} b: ${FIELD} __typename }` }],
    [
      'the operation that is asked for',
      { query: `query a { __typename } mutation b { a: ${FIELD} b: ${FIELD} c: ${FIELD} }`, operationName: 'b' },
    ],
    [
      'an operation beside the one that is asked for',
      { query: `query a { __typename } mutation b { a: ${FIELD} b: ${FIELD} c: ${FIELD} }`, operationName: 'a' },
    ],
  ])('count mutation fields through %s', async (_how, body) => {
    await expectRefused(body, 'TOO_MANY_MUTATIONS');
  });

  const entities = (selection: string) => `_entities(representations: []) { ${selection} }`;

  test('allow 500 aliases and 500 directives', async () => {
    const aliases = (count: number) => times(count, (i) => `a${i}: __typename`);
    await expectAccepted({ query: `{ ${entities(aliases(500))} }` });
    await expectRefused({ query: `{ ${entities(aliases(501))} }` }, 'MAX_ALIASES');
    const inFragments = times(501, (i) => `fragment f${i} on User { a${i}: __typename }`);
    await expectRefused({ query: `{ ${entities(times(501, (i) => `...f${i}`))} } ${inFragments}` }, 'MAX_ALIASES');
    const directives = (count: number) => times(count, () => `... @skip(if: true) { __typename }`);
    await expectAccepted({ query: `{ ${entities(`${directives(500)} __typename`)} }` });
    await expectRefused({ query: `{ ${entities(directives(501))} }` }, 'MAX_DIRECTIVES');
    await expectRefused({ query: `mutation { ${times(501, (i) => `a${i}: __typename`)} }` }, 'MAX_ALIASES');
  });

  test('do not count aliases and directives of root fields of a query, which routers add', async () => {
    const combined = (i: number) => `a${i}: ${entities('__typename').replace(' {', ' @skip(if: false) {')}`;
    await expectAccepted({ query: `{ ${times(600, combined)} }` });
    await expectAccepted({ query: `{ ...f } fragment f on Query { ... { ${times(600, combined)} } }` });
  });

  test('allow a depth of 15, with fragments expanded', async () => {
    const open = await startStack({ env: { INTROSPECTION: 'on' } });
    const below = (levels: number): string => (levels === 0 ? 'name' : `ofType { ${below(levels - 1)} }`);
    const verdict = async (document: string) => {
      const { status, errors } = await open.ask(document);
      return [status, errors[0]?.extensions['validationErrorCode']];
    };
    const plain = (depth: number) => `{ __type(name: "User") { ${below(depth - 2)} } }`;
    const hidden = (depth: number) =>
      `{ __type(name: "User") { ofType { ...deep } } } fragment deep on __Type { ${below(depth - 3)} }`;
    for (const document of [plain, hidden]) {
      expect(await verdict(document(15))).toEqual([200, undefined]);
      expect(await verdict(document(16))).toEqual([400, 'MAX_DEPTH']);
    }
    await open.close();
  });

  test('allow 15 000 tokens', async () => {
    const query = times(3_000, (i) => `query q${i} { __typename }`);
    await expectAccepted({ query, operationName: 'q0' });
    await expectRefused({ query: `${query} { __typename }`, operationName: 'q0' }, 'MAX_TOKENS');
  });

  test('allow 256 KiB', async () => {
    const body = (bytes: number) => `{"query":"{ __typename }","x":"${'x'.repeat(bytes - 33)}"}`;
    expect(body(262_144).length).toBe(262_144);
    await expectAccepted(body(262_144));
    const { status, errors } = await post(body(262_145));
    expect([status, errors[0]?.extensions]).toEqual([413, { code: 'PAYLOAD_TOO_LARGE', outcome: 'NOT_EXECUTED' }]);
  });

  const userId = (user: number) => user.toString(16).padStart(24, '0');
  const users = (count: number, first = 0) =>
    representations(Array.from({ length: count }, (_, i) => userId(first + i))).representations;
  const literals = (count: number) => times(count, (i) => `{__typename:"User",id:"${userId(i)}"}`);
  const ask = '(representations: $r) { __typename }';

  test.each<[string, (count: number) => Body]>([
    ['in a variable', (n) => ({ query: `query ($r: [_Any!]!) { _entities${ask} }`, variables: { r: users(n) } })],
    ['in a literal', (n) => ({ query: `{ _entities(representations: [${literals(n)}]) { __typename } }` })],
    [
      'in two fields',
      (n) => ({
        query: `query ($r: [_Any!]!, $s: [_Any!]!) { a: _entities${ask} b: _entities${ask.replace('$r', '$s')} }`,
        variables: { r: users(n - 10), s: users(10, 5_000) },
      }),
    ],
    [
      'in two fields that ask for the same users',
      (n) => ({
        query: `query ($r: [_Any!]!, $s: [_Any!]!) { a: _entities${ask} b: _entities${ask} c: _entities${ask.replace('$r', '$s')} }`,
        variables: { r: users(500), s: users(n) },
      }),
    ],
    [
      'in an inline fragment',
      (n) => ({ query: `query ($r: [_Any!]!) { ... { _entities${ask} } }`, variables: { r: users(n) } }),
    ],
    [
      'in a fragment',
      (n) => ({
        query: `query ($r: [_Any!]!) { ...f } fragment f on Query { _entities${ask} }`,
        variables: { r: users(n) },
      }),
    ],
    [
      'in nested fragments',
      (n) => ({
        query: `query ($r: [_Any!]!) { ...f } fragment f on Query { ...g } fragment g on Query { a: _entities${ask} _entities(representations: []) { __typename } }`,
        variables: { r: users(n) },
      }),
    ],
    ['in the default of a variable', (n) => ({ query: `query ($r: [_Any!]! = [${literals(n)}]) { _entities${ask} }` })],
  ])('hold 1 000 distinct users %s', async (_where, body) => {
    await expectAccepted(body(1_000));
    stack.emulator.clearCalls();
    await expectRefused(body(1_001), 'MAX_REPRESENTATIONS');
  });

  const fields = (count: number) => `... on User { identities { ${times(count - 1, (i) => `a${i}: id`)} } }`;
  const read = (name: string, variable: string, count: number) =>
    `${name}: _entities(representations: $${variable}) { ${fields(count)} }`;

  test.each<[string, (n: number) => Body]>([
    [
      'in one field',
      (n) => ({ query: `query ($r: [_Any!]!) { ${read('a', 'r', n / 1_000)} }`, variables: { r: users(1_000) } }),
    ],
    [
      'for users that are asked for repeatedly',
      (n) => ({
        query: `query ($r: [_Any!]!) { ${times(10, (i) => read(`a${i}`, 'r', n / 5_000))} }`,
        variables: { r: [...users(250), ...users(250)] },
      }),
    ],
    [
      'in fragments that are spread repeatedly',
      (n) => ({
        query: `query ($r: [_Any!]!) { _entities(representations: $r) { ${'...f '.repeat(5)} } } fragment f on User { identities { ...g } } fragment g on Identity { ${times(n / 5_000 - 1, (i) => `a${i}: id`)} }`,
        variables: { r: users(1_000) },
      }),
    ],
  ])('allow 100 000 values %s', async (_where, body) => {
    await expectAccepted(body(100_000));
    stack.emulator.clearCalls();
    await expectRefused(body(105_000), 'MAX_COST');
  });

  test('refuse nested aliases that multiply to more values than that', async () => {
    const nested = `... on User { ${times(15, (i) => `a${i}: identities { ${times(15, (j) => `b${j}: id`)} }`)} }`;
    const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ${nested} } }`;
    await expectAccepted({ query, variables: { r: users(100) } });
    stack.emulator.clearCalls();
    await expectRefused({ query, variables: { r: users(1_000) } }, 'MAX_COST');
  });

  test('count the errors of users that the caller may not read before anything is sent', async () => {
    const issuer = await startIssuer();
    const strict = await startStack({ issuer });
    const nested = `... on User { ${times(30, (i) => `a${i}: identities { id }`)} }`;
    const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ${nested} } }`;
    const send = async (scope: string, count: number): Promise<unknown> => {
      const response = await fetch(`${strict.subgraph.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...credentials(issuer.token({ scope })) },
        body: JSON.stringify({ query, variables: { r: users(count) } }),
      });
      const { errors = [] } = (await response.json()) as { errors?: AnsweredError[] };
      return [response.status, errors[0]?.extensions['validationErrorCode'] ?? errors[0]?.extensions['code']];
    };
    try {
      expect(await send('identity:read', 1_000)).toEqual([200, undefined]);
      strict.emulator.clearCalls();
      expect(await send('openid', 1_000)).toEqual([400, 'MAX_COST']);
      expect(await send('openid', 100)).toEqual([200, 'FORBIDDEN']);
      expect(strict.emulator.calls).toEqual([]);
    } finally {
      await strict.close();
      await issuer.close();
    }
  });

  test('allow MAX_IN_FLIGHT requests: further ones are rejected, and those in progress are served', async () => {
    stack.emulator.faults.set('get-user-batch', 'latency:400');
    const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { identities { id } } } }`;
    const slow = Array.from({ length: 4 }, () => post({ query, variables: { r: users(1) } }));
    while (stack.emulator.calls.length === 0) await setImmediate();
    const refused = [await post({ query: '{ __typename }' })];
    while (refused.at(-1)?.status === 200) refused.push(await post({ query: '{ __typename }' }));
    const { status, headers, errors } = refused.at(-1) ?? (await post(''));
    expect([status, errors[0]?.extensions]).toEqual([
      503,
      { code: 'OVERLOADED', outcome: 'NOT_EXECUTED', retryAfterMs: 1_000 },
    ]);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect((await Promise.all(slow)).map((answer) => [answer.status, answer.errors])).toEqual(
      Array.from({ length: 4 }, () => [200, []]),
    );
    stack.emulator.faults.clear();
    await expectAccepted({ query: '{ __typename }' });
  });

  test('are checked before all other rules', async () => {
    await expectRefused({ query: `{ a { ${times(501, (i) => `a${i}: nothing`)} } }` }, 'MAX_ALIASES');
    await expectRefused({ query: `{ a { b ${'@include(if: true) '.repeat(501)} } }` }, 'MAX_DIRECTIVES');
    await expectRefused({ query: `${'{ nothing '.repeat(16)}${'}'.repeat(16)}` }, 'MAX_DEPTH');
  });
});
