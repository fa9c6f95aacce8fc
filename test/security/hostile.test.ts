import { type AnsweredError, ENTITIES, type Stack, startStack } from '../support/stack';

const USER = '6229ffa1c05e6bfcade3e3d2';
const ENTITY = `__typename:"User",id:"${USER}"`;

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join(' ');
const document = (query: string, variables: unknown = {}) => JSON.stringify({ query, variables });
/** Builds the text of the body directly, because `JSON.stringify` overflows at this depth too. */
const withVariable = (type: string, json: string) =>
  `{"query":"query ($a: ${type}) { _entities(representations: [{id: $a}]) { __typename } }","variables":{"a":${json}}}`;
const literal = (value: string) =>
  document(`{ _entities(representations: [{${ENTITY}, x: ${value}}]) { __typename } }`);
const chain = (count: number, body: (next: string) => string) =>
  `{ ...f0 } ${times(count, (i) => `fragment f${i} on Query { ${body(`f${i + 1}`)} }`)} fragment f${count} on Query { __typename }`;

const HOSTILE: [string, string][] = [
  ['10 000 aliases', document(`{ ${times(10_000, (i) => `a${i}: __typename`)} }`)],
  ['4 900 aliases', document(`{ ${times(4_900, (i) => `a${i}: __typename`)} }`)],
  ['a depth of 500', document('{a'.repeat(500) + '}'.repeat(500))],
  ['a depth of 7 000', document('{a'.repeat(7_000) + '}'.repeat(7_000))],
  ['120 000 tokens', document(`{${'a,'.repeat(120_000)}}`)],
  ['1 000 directives', document(`{ __typename ${'@include(if: true) '.repeat(1_000)} }`)],
  ['1 000 directives that do not exist', document(`{ __typename ${'@a '.repeat(1_000)} }`)],
  ['a fragment inside itself', document('{ ...a } fragment a on Query { ...a }')],
  ['a cycle of fragments', document('{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }')],
  [
    '80 fragments that spread all of them',
    document(`{ ...f0 } ${times(80, (i) => `fragment f${i} on Query { ${times(80, (j) => `...f${j}`)} }`)}`),
  ],
  ['2^100 fields', document(chain(100, (next) => `...${next} ...${next}`))],
  ['2^1000 fields', document(chain(1_000, (next) => `...${next} ...${next}`))],
  [
    '2^30 mutations',
    document(
      chain(30, (next) => `...${next} ...${next}`)
        .replaceAll('Query', 'Mutation')
        .replace('{', 'mutation {'),
    ),
  ],
  ['the same field 7 000 times', document(`{ ${'__typename '.repeat(7_000)} }`)],
  [
    'the same field with arguments 1 300 times',
    document(`query ($r: [_Any!]!) { ${'_entities(representations: $r) { __typename } '.repeat(1_300)} }`, { r: [] }),
  ],
  [
    '1 000 fragments to compare',
    document(
      `{ _entities(representations: []) { ${times(1_000, (i) => `...f${i}`)} } } ${times(1_000, (i) => `fragment f${i} on User { identities { id } }`)}`,
    ),
  ],
  ['a list of 7 000 lists', literal('['.repeat(7_000) + ']'.repeat(7_000))],
  ['an object of 3 500 objects', literal(`${'{a:'.repeat(3_500)}1${'}'.repeat(3_500)}`)],
  ['a type of 7 000 lists', document(`query ($a: ${'['.repeat(7_000)}ID${']'.repeat(7_000)}) { __typename }`)],
  ['JSON 100 000 lists deep where an id belongs', withVariable('ID!', '['.repeat(100_000) + ']'.repeat(100_000))],
  ['JSON 5 000 lists deep where an id belongs', withVariable('ID!', '['.repeat(5_000) + ']'.repeat(5_000))],
  [
    'JSON 40 000 objects deep where a text belongs',
    withVariable('String!', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`),
  ],
  ['2 900 variables', document(`query (${times(2_900, (i) => `$v${i}: ID`)}) { __typename }`)],
];

describe('a hostile request', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());
  beforeEach(() => stack.emulator.clearCalls());

  async function post(body: string): Promise<{ status: number; data?: unknown; errors: AnsweredError[] }> {
    const response = await fetch(`${stack.subgraph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const { data, errors = [] } = (await response.json()) as { data?: unknown; errors?: AnsweredError[] };
    return { status: response.status, data, errors };
  }

  test.each(HOSTILE)('of %s is rejected, and a concurrent request is served', async (_what, body) => {
    const [hostile, neighbour] = await Promise.all([post(body), post(document('{ __typename }'))]);
    expect([hostile.status, hostile.errors[0]?.extensions['code']]).toEqual([
      400,
      expect.stringMatching(/^(GRAPHQL_(PARSE|VALIDATION)_FAILED|BAD_REQUEST|BAD_USER_INPUT)$/),
    ]);
    expect(neighbour).toEqual({ status: 200, data: { __typename: 'Query' }, errors: [] });
    expect(stack.emulator.calls).toEqual([]);
  });

  test('does not end the process: an unknown type next to entities that fail', async () => {
    stack.emulator.faults.set('get-user-batch', 'http-500');
    const failing = { __typename: 'User', id: USER };
    const strangers = [
      { __typename: 'Stranger' },
      null,
      7,
      [],
      {},
      { __typename: '__proto__' },
      { __typename: 'toString' },
    ];
    const { status, errors } = await post(document(ENTITIES, { representations: [failing, ...strangers, failing] }));
    stack.emulator.faults.clear();
    expect(status).toBeLessThan(500);
    expect(errors.length).toBeGreaterThan(0);
    expect((await post(document('{ __typename }'))).status).toBe(200);
  });

  test('cannot change the prototype of objects', async () => {
    const bodies = [
      '{"query":"{ __typename }","variables":{"__proto__":{"polluted":1}}}',
      '{"query":"{ __typename }","variables":{"constructor":{"prototype":{"polluted":1}}}}',
      '{"query":"query ($__proto__: ID, $constructor: ID!) { __typename }","variables":{}}',
      '{"query":"{ __typename }","operationName":"__proto__"}',
      '{"query":"{ __typename ...constructor } fragment constructor on Query { __typename ...__proto__ } fragment __proto__ on Query { __typename }"}',
      '{"query":"{ __proto__: __typename constructor: __typename }"}',
    ];
    const answers = await Promise.all(bodies.map(post));
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 200, 200]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each([
    ['a number for operationName', '{"query":"{ __typename }","operationName":7}'],
    ['an object for operationName', '{"query":"{ __typename }","operationName":{}}'],
    ['a list for variables', '{"query":"{ __typename }","variables":[1]}'],
    ['a number for variables', '{"query":"{ __typename }","variables":7}'],
    ['a text for extensions', '{"query":"{ __typename }","extensions":"x"}'],
    ['an operation that is not there', '{"query":"query a { __typename }","operationName":"sentinel"}'],
    ['two operations and none asked for', '{"query":"query a { __typename } query b { __typename }"}'],
    ['a subscription', '{"query":"subscription { __typename }"}'],
    ['nothing but a fragment', '{"query":"fragment a on Query { __typename }"}'],
    ['a schema', '{"query":"type Query { a: Int }"}'],
    ['a text that is not one', '{"query":"\\ud800{ __typename }"}'],
    ['a deferred field', '{"query":"{ ... @defer { __typename } }"}'],
  ])('of %s is refused', async (_what, body) => {
    const { status, errors } = await post(body);
    expect([status, errors.length]).toEqual([400, expect.any(Number)]);
    expect(errors.length).toBeGreaterThan(0);
    expect(JSON.stringify(errors)).not.toContain('sentinel');
  });
});
