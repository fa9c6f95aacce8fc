import { setImmediate } from 'node:timers/promises';
import { type AnsweredError, representations, type Stack, startStack } from '../support/stack';

const USER = '6229ffa1c05e6bfcade3e3d2';
const SOURCE = '0'.repeat(24);
const FIELD = `unlinkIdentity(userId: "${USER}", extIdpId: "${SOURCE}") { success }`;
const ENTITY = `{__typename:"User",id:"${USER}"}`;

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

  test('allow 30 aliases and 50 directives', async () => {
    await expectAccepted({ query: `{ ${times(30, (i) => `a${i}: __typename`)} }` });
    await expectRefused({ query: `{ ${times(31, (i) => `a${i}: __typename`)} }` }, 'MAX_ALIASES');
    const inFragments = times(31, (i) => `fragment f${i} on Query { a${i}: __typename }`);
    await expectRefused({ query: `{ ${times(31, (i) => `...f${i}`)} } ${inFragments}` }, 'MAX_ALIASES');
    await expectAccepted({ query: `{ ${times(50, () => `... @skip(if: true) { __typename }`)} __typename }` });
    await expectRefused({ query: `{ ${times(51, () => `... @skip(if: true) { __typename }`)} }` }, 'MAX_DIRECTIVES');
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
    await expectRefused({ query: `${query} { __typename }`, operationName: 'q0' }, 'GRAPHQL_PARSE_FAILED');
  });

  test('allow 256 KiB', async () => {
    const body = (bytes: number) => `{"query":"{ __typename }","x":"${'x'.repeat(bytes - 33)}"}`;
    expect(body(262_144).length).toBe(262_144);
    await expectAccepted(body(262_144));
    const { status, errors } = await post(body(262_145));
    expect([status, errors[0]?.extensions]).toEqual([413, { code: 'PAYLOAD_TOO_LARGE', outcome: 'NOT_EXECUTED' }]);
  });

  const users = (count: number) => representations(Array.from({ length: count }, () => USER)).representations;
  const ask = '(representations: $r) { __typename }';

  test.each<[string, (count: number) => Body]>([
    ['in a variable', (n) => ({ query: `query ($r: [_Any!]!) { _entities${ask} }`, variables: { r: users(n) } })],
    ['in a literal', (n) => ({ query: `{ _entities(representations: [${times(n, () => ENTITY)}]) { __typename } }` })],
    [
      'in two fields',
      (n) => ({
        query: `query ($r: [_Any!]!, $s: [_Any!]!) { a: _entities${ask} b: _entities${ask.replace('$r', '$s')} }`,
        variables: { r: users(n - 10), s: users(10) },
      }),
    ],
    [
      'in a variable used twice',
      (n) => ({
        query: `query ($r: [_Any!]!, $s: [_Any!]!) { a: _entities${ask} b: _entities${ask} c: _entities${ask.replace('$r', '$s')} }`,
        variables: { r: users(500), s: users(n - 1_000) },
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
    [
      'in the default of a variable',
      (n) => ({ query: `query ($r: [_Any!]! = [${times(n, () => ENTITY)}]) { _entities${ask} }` }),
    ],
  ])('hold 1 000 representations %s', async (_where, body) => {
    await expectAccepted(body(1_000));
    stack.emulator.clearCalls();
    await expectRefused(body(1_001), 'MAX_REPRESENTATIONS');
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
    await expectRefused({ query: `{ ${times(31, (i) => `a${i}: nothing`)} }` }, 'MAX_ALIASES');
    await expectRefused({ query: `{ __typename ${'@include(if: true) '.repeat(51)} }` }, 'MAX_DIRECTIVES');
    await expectRefused({ query: `${'{ nothing '.repeat(16)}${'}'.repeat(16)}` }, 'MAX_DEPTH');
  });
});
