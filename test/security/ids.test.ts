import { type AnsweredError, ENTITIES, type EntitiesAnswer, type Stack, startStack, UNLINK } from '../support/stack';

const USER = '6229ffa1c05e6bfcade3e3d2';
const SOURCE = '62f20932716fbcc10d966ee6';

const NOT_IDS: [string, string][] = [
  ['another parameter', `${USER}&userIdType=email`],
  ['a value of its own', `${USER}=1`],
  ['a path', `../${USER}`],
  ['two dots', '..'],
  ['too many digits', `${USER}0`],
  ['too few digits', USER.slice(1)],
  ['capitals', USER.toUpperCase()],
  ['nothing', ''],
  ['a space', ` ${USER}`],
  ['a line feed at the end', `${USER}\n`],
  ['a header', `${USER}\r\nx-evil: 1`],
  ['a NUL', `${USER}\0`],
  ['half of a character', `${USER.slice(1)}\ud800`],
  ['letters that look the same', USER.replace('e', '\u0435')],
  ['wide digits', USER.replace('6', '\uff16')],
  ['100 000 characters', 'a'.repeat(100_000)],
  ['a comma, as lists have', `${USER},${USER}`],
];

describe('an id', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());
  beforeEach(() => stack.emulator.clearCalls());

  function expectBadInput(errors: readonly AnsweredError[], value: string): void {
    expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['BAD_USER_INPUT']);
    if (value.length > 2) expect(JSON.stringify(errors).includes(JSON.stringify(value).slice(1, -1))).toBe(false);
    expect(stack.emulator.calls).toEqual([]);
  }

  test.each(NOT_IDS)('with %s is rejected: nothing is sent, and the value is not repeated', async (_what, value) => {
    const representations = [{ __typename: 'User', id: value }];
    expectBadInput((await stack.ask(ENTITIES, { representations })).errors, value);
    for (const variables of [
      { userId: value, extIdpId: SOURCE },
      { userId: USER, extIdpId: value },
    ]) {
      const { errors } = await stack.ask(UNLINK, variables);
      expectBadInput(errors, value);
      expect(errors[0]?.extensions['outcome']).toBe('NOT_EXECUTED');
    }
  });

  test.each([
    ['another parameter', 'generic&userId=x'],
    ['a path', '../generic'],
    ['nothing', ''],
    ['65 characters', 'x'.repeat(65)],
    ['a line feed', 'generic\n'],
  ])('type with %s is none: nothing is sent, and it is not repeated', async (_what, type) => {
    const { errors } = await stack.ask(UNLINK, { userId: USER, extIdpId: SOURCE, type });
    expectBadInput(errors, type);
  });

  const digits = '900719925474099312345678';

  test.each<[string, string, string]>([
    [
      'in a variable',
      'query ($a: ID!) { _entities(representations: [{__typename: "User", id: $a}]) { __typename } }',
      digits,
    ],
    [
      'in a variable with a default',
      `query ($a: ID = "${USER}") { _entities(representations: [{__typename: "User", id: $a}]) { __typename } }`,
      digits,
    ],
    [
      'in a list',
      'query ($a: [ID!]) { _entities(representations: [{__typename: "User", id: $a}]) { __typename } }',
      `[${digits}]`,
    ],
    [
      'in a list of lists',
      'query ($a: [[ID]]) { _entities(representations: [{__typename: "User", id: $a}]) { __typename } }',
      `[["x", ${digits}]]`,
    ],
    ['as an argument', `mutation ($a: ID!) { unlinkIdentity(userId: $a, extIdpId: "${SOURCE}") { success } }`, digits],
    [
      'in scientific writing',
      `mutation ($a: ID!) { unlinkIdentity(userId: $a, extIdpId: "${SOURCE}") { success } }`,
      '1e21',
    ],
  ])('that is a JSON number %s is refused, because it has lost digits', async (_where, query, value) => {
    const response = await fetch(`${stack.subgraph.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"a":${value}}}`,
    });
    const { errors } = (await response.json()) as { errors: AnsweredError[] };
    expect(response.status).toBe(400);
    expectBadInput(errors, '9007199254740993');
    expect(errors[0]?.extensions['validationErrorCode']).toBe('ID_NOT_A_STRING');
  });

  test('that is a JSON number in a representation is an error of that entity alone', async () => {
    const representations = [
      { __typename: 'User', id: 900719925474 },
      { __typename: 'User', id: USER },
    ];
    const { data, errors } = await stack.ask<EntitiesAnswer>(ENTITIES, { representations });
    expect(data?._entities.map((user) => user?.id ?? null)).toEqual([null, USER]);
    expect(errors.map(({ path, extensions }) => [path, extensions])).toEqual([
      [['_entities', 0], { code: 'BAD_USER_INPUT' }],
    ]);
  });
});
