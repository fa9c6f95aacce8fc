import * as fc from 'fast-check';
import type { Fault } from '../../src/emulator';
import { IdentityList } from '../../src/genauth';
import { Unlinks } from '../../src/identities';
import { SUBJECT } from '../support/issuer';
import { ENTITIES, representations, type Stack, UNLINK } from '../support/stack';
import { type Operation, operation, SEED } from './operations';
import { type Compared, countsOf, TwoExecutors } from './twoExecutors';

const RUNS = Number(process.env['EXECUTOR_RUNS'] ?? '200');

const WECHAT = SEED.extIdps[0]?.id ?? '';
const GITHUB = SEED.extIdps[1]?.id ?? '';
const USERS = SEED.users.map(({ id = '' }) => id);
const [, USER = '', OTHER = ''] = USERS;

/** Whether the variables need no coercion: graphql-js makes a list of a single user, and rejects null. */
function needNoCoercion({ query, operationName, variables }: Operation): boolean {
  if (operationName === 'Other') return true;
  const lists = ['users', 'others'].filter((name) => query.includes(`$${name}`)).map((name) => variables[name]);
  const texts = ['ids', 'accounts'].filter((name) => query.includes(`$${name}`)).map((name) => variables[name] ?? []);
  return (
    lists.every((list) => list === undefined || (Array.isArray(list) && !list.includes(null))) &&
    texts.every((list) => Array.isArray(list) && list.every((item) => typeof item === 'string'))
  );
}

/** Whether a condition is null. This is an error, which graphql-js reports, but only if it collects a field that has it. */
function hasNullCondition({ query, variables }: Operation): boolean {
  return query.includes('$yes: Boolean = true') && variables['yes'] === null;
}

describe('the two executors', () => {
  let both: TwoExecutors;
  let mock: jest.SpyInstance | undefined;

  beforeAll(async () => {
    both = await TwoExecutors.start();
  });
  beforeEach(() => both.reset());
  afterEach(() => mock?.mockRestore());
  afterAll(() => both.close());

  const usual = { operationName: undefined, accept: undefined, caller: 'administrator', isCompiled: true } as const;
  const READ: Operation = { ...usual, query: ENTITIES, variables: representations(USERS) };
  const WRITE: Operation = { ...usual, query: UNLINK, variables: { userId: USER, extIdpId: WECHAT } };

  test(`give the same responses to ${RUNS} generated operations, and make the same calls to GenAuth`, async () => {
    const counts = {
      data: 0,
      compiledQueries: 0,
      compiledMutations: 0,
      compiledLists: 0,
      unlinks: 0,
      errors: 0,
      compiledErrors: 0,
      refused: 0,
    };
    await fc.assert(
      fc.asyncProperty(operation, async (request) => {
        both.reset();
        if (request.readFault !== undefined) both.inflict(request.readFault, 'get-user-batch');
        if (request.unlinkFault !== undefined) both.inflict(request.unlinkFault, 'unlink-identity');
        const { status, body, executions, wasCompiled } = await both.expectSameTwice(request);
        const isExecuted = status === 200 && body.includes('"data":');
        if (!hasNullCondition(request)) {
          expect(wasCompiled).toBe(isExecuted && request.isCompiled && needNoCoercion(request));
        }
        const hasErrors = body.startsWith('{"errors"');
        if (isExecuted && !hasErrors) counts.data++;
        else if (isExecuted) counts.errors++;
        else counts.refused++;
        if (wasCompiled && /identityUsers|usersByIdentity|identitySources/.test(request.query)) counts.compiledLists++;
        if (wasCompiled && request.query.includes('mutation')) counts.compiledMutations++;
        else if (wasCompiled) counts.compiledQueries++;
        if (wasCompiled && hasErrors) counts.compiledErrors++;
        counts.unlinks += executions.length;
      }),
      { numRuns: RUNS, seed: 20261124 },
    );
    expect(await countsOf(both.fast)).toEqual(await countsOf(both.reference));
    // Each kind has to occur often, or it was hardly compared.
    expect(counts.compiledQueries).toBeGreaterThan(RUNS / 12);
    expect(counts.compiledMutations).toBeGreaterThan(RUNS / 20);
    expect(counts.compiledLists).toBeGreaterThan(RUNS / 30);
    expect(counts.data).toBeGreaterThan(RUNS / 4);
    expect(counts.errors).toBeGreaterThan(RUNS / 10);
    expect(counts.compiledErrors).toBeGreaterThan(RUNS / 20);
    expect(counts.refused).toBeGreaterThan(RUNS / 20);
    expect(counts.unlinks).toBeGreaterThan(RUNS / 10);
  }, 1_200_000);

  test('differ in who responds: the operations of routers are compiled from the second time on', async () => {
    for (const request of [READ, WRITE]) {
      const fresh = { ...request, query: `${request.query} # new to both` };
      expect((await both.expectSame(fresh)).wasCompiled).toBe(false);
      expect((await both.expectSame(fresh)).wasCompiled).toBe(true);
      // A plan is found by the document and the operation name. Each difference is a miss.
      expect((await both.expectSame({ ...fresh, query: `${fresh.query} ` })).wasCompiled).toBe(false);
      expect((await both.expectSame({ ...fresh, operationName: 'None' })).wasCompiled).toBe(false);
      expect((await both.expectSame(fresh)).wasCompiled).toBe(true);
    }
  });

  test('select the operation by its name if a document has several', async () => {
    const query = `query A ($users: [_Any!]!) { _entities(representations: $users) { ... on User { id } } }
      query B ($users: [_Any!]!) { _entities(representations: $users) { ... on User { identities { type } } } }
      mutation C ($userId: ID!, $extIdpId: ID!) { unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success } }`;
    const variables = { users: representations([USER]).representations, userId: USER, extIdpId: WECHAT };
    for (const operationName of ['A', 'B', 'C', undefined, 'D', 'A', 'B', 'C']) {
      const isKnown = operationName !== undefined && operationName !== 'D';
      expect((await both.expectSameTwice({ ...usual, query, variables, operationName })).wasCompiled).toBe(isKnown);
    }
  });

  describe.each(['http-503', 'envelope-400', 'envelope-404/2004', 'wrong-shape', 'user-mismatch', 'not-json'] as const)(
    'when GenAuth answers reads with %s',
    (fault) => {
      test('give the same response to a query, with the same calls', async () => {
        await both.learn(READ);
        both.inflict(fault);
        const { body, wasCompiled } = await both.expectSame(READ);
        expect(body).toContain('"_entities":[');
        expect(wasCompiled).toBe(true);
      });

      test('give the same response to an unlink, which is sent only if the user could be read before', async () => {
        await both.learn(WRITE);
        both.inflict(fault, 'get-user-batch');
        const { body, executions, wasCompiled } = await both.expectSame(WRITE);
        expect(wasCompiled).toBe(true);
        // GenAuth has then said that there is no such user: it has no types to name.
        const isUnknown = fault === 'envelope-404/2004';
        const executed = { userId: USER, extIdpId: WECHAT, type: null, removed: 2, idempotencyKey: 'one of its own' };
        expect(executions).toEqual(isUnknown ? [executed] : []);
        expect(body.includes('"outcome":"NOT_EXECUTED"')).toBe(!isUnknown);
      });
    },
  );

  test.each<[Fault, number, string]>([
    ['success-false', 0, '"success":false'],
    ['envelope-404/2004', 0, '"apiCode":2004'],
    ['envelope-422/2217', 0, '"apiCode":2217'],
    ['envelope-401/2020', 0, 'UPSTREAM_AUTH_FAILED'],
    ['http-503', 0, 'UNLINK_OUTCOME_UNKNOWN'],
    ['reset-before-read', 0, 'UNLINK_OUTCOME_UNKNOWN'],
    ['reset-after-execute', 1, '"success":true'],
    ['truncated-json', 1, '"success":true'],
    ['wrong-shape', 1, '"success":true'],
    ['empty', 1, '"success":true'],
  ])('send an unlink once when GenAuth responds with %s, and give the same response', async (fault, executed, said) => {
    const ofOneType: Operation = { ...WRITE, variables: { ...WRITE.variables, type: 'openid' } };
    await both.learn(ofOneType);
    both.inflict(fault, 'unlink-identity');
    const { executions, calls, body, wasCompiled } = await both.expectSame(ofOneType);
    expect(wasCompiled).toBe(true);
    expect(executions).toHaveLength(executed);
    expect(calls.filter((call) => JSON.stringify(call).includes('unlink-identity'))).toHaveLength(1);
    expect(body).toContain(said);
  });

  test('give the same errors, in the same order, to a query of users that fail for different reasons', async () => {
    const query = `query ($users: [_Any!]!) { _entities(representations: $users) {
      ... on User { a: identities { id } id }
      ... on User { identities { type } a: identities { extIdpId } }
    } }`;
    const users = [
      ...representations([OTHER, SUBJECT, USER, OTHER, SUBJECT, 'not an id', 'f'.repeat(24)]).representations,
      ...[{ __typename: 'Order', id: USER }, { __typename: 'User', id: 7 }, 'User'],
      ...representations([USER, 'not an id']).representations,
    ];
    for (const caller of ['administrator', 'user', 'unlinker'] as const) {
      const request = { ...usual, caller, query, variables: { users } };
      await both.learn(request);
      both.inflict('wrong-shape');
      const { body, wasCompiled, log } = await both.expectSame(request);
      expect(wasCompiled).toBe(true);
      expect(body).toContain('"code":"BAD_USER_INPUT"');
      expect(body.includes('FORBIDDEN')).toBe(caller !== 'administrator');
      expect(body).toContain('UPSTREAM_BAD_RESPONSE');
      expect(log).toEqual([expect.objectContaining({ outcome: 'partial' })]);
      both.reset();
    }
  });

  test('give the same response to an unlink whose caller may not read the user', async () => {
    const request: Operation = { ...WRITE, caller: 'unlinker' };
    await both.learn(request);
    const { body, executions } = await both.expectSame(request);
    expect(executions).toHaveLength(2);
    expect(body).not.toContain('"errors"');
    expect(body).toContain('"removed":null,"user":null');
    expect(body).toContain('"success":true');
  });

  test('apply a fragment on the union _Entity to the user of a payload', async () => {
    const query = UNLINK.replace('user { id', 'user { ... on _Entity { ... on User { id } }');
    const request = { ...WRITE, query };
    await both.learn(request);
    expect((await both.expectSame(request)).body).toContain(`"user":{"id":"${USER}"`);
  });

  test('report an unexpected error of an unlink once, and tell the caller nothing about it', async () => {
    await both.learn(WRITE);
    mock = jest.spyOn(Unlinks.prototype, 'unlink').mockRejectedValue(new Error('unexpected'));
    const { body, log, wasCompiled } = await both.expectSame(WRITE);
    expect(wasCompiled).toBe(true);
    expect(body).toContain('"path":["unlinkIdentity"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]');
    expect(body).toContain('"data":{"unlinkIdentity":null}}');
    expect(log).toEqual([
      expect.objectContaining({ msg: 'unexpected error' }),
      expect.objectContaining({ outcome: 'error', codes: ['INTERNAL_SERVER_ERROR'] }),
    ]);
  });

  test('a plan that fails reports it once, and responds with the error of the root field', async () => {
    await both.learn(READ);
    await both.learn(WRITE);
    mock = jest.spyOn(IdentityList.prototype, 'write').mockImplementation(() => {
      throw new Error('unexpected');
    });
    const message = 'An internal error occurred.';
    const extensions = { code: 'INTERNAL_SERVER_ERROR' };
    for (const [request, path, data] of [
      [READ, '_entities', null],
      [WRITE, 'unlinkIdentity', { unlinkIdentity: null }],
    ] as const) {
      const { status, body, log } = await both.send(both.fast, request);
      expect(status).toBe(200);
      const errors = [{ message, locations: [{ line: 2, column: 3 }], path: [path], extensions }];
      expect(JSON.parse(body)).toEqual({ errors, data });
      expect(log).toMatchObject([{ msg: 'unexpected error' }, { outcome: 'error', codes: [extensions.code] }]);
    }
  });

  test.each(['success', 'success-false', '404', '422'] as const)(
    'give the same response to an unlink of an identity that is not linked, if GenAuth responds with %s',
    async (unlinkMissing) => {
      for (const { switches } of both.emulators) switches.unlinkMissing = unlinkMissing;
      const { wasCompiled } = await both.expectSameTwice({
        ...WRITE,
        variables: { userId: USER, extIdpId: WECHAT, type: 'none' },
      });
      expect(wasCompiled).toBe(true);
    },
  );

  test('report the timings of fields to a router that requests them, also for a compiled operation', async () => {
    await both.learn(READ);
    const response = await fetch(`${both.fast.subgraph.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'apollo-federation-include-trace': 'ftv1',
        ...both.headersOf('administrator'),
      },
      body: JSON.stringify({ query: READ.query, variables: READ.variables }),
    });
    expect(await response.json()).toHaveProperty('extensions.ftv1', expect.any(String));
  });

  test('keep concurrent unlinks of different requests apart', async () => {
    await both.learn(WRITE);
    both.restore();
    const sendAll = (stack: Stack) =>
      Promise.all(
        [USER, OTHER, USER].map((userId) => both.send(stack, { ...WRITE, variables: { userId, extIdpId: GITHUB } })),
      );
    const [ones, others] = await Promise.all([sendAll(both.fast), sendAll(both.reference)]);
    expect(ones.map(({ body }) => body)).toEqual(others.map(({ body }) => body));
    expect(both.fast.emulator.store.identitiesOf(USER)).toEqual(both.reference.emulator.store.identitiesOf(USER));
    expect(both.fast.emulator.store.identitiesOf(SUBJECT)).toHaveLength(3);
  });

  describe('reject alike, after the document was compiled,', () => {
    /** Compiles the document with a valid request first. */
    async function expectSameAfter(good: Operation, bad: Operation): Promise<Compared> {
      expect((await both.expectSame(good)).body).not.toContain('"errors"');
      return both.expectSame(bad);
    }

    test('a missing type that is declared as required: nothing is unlinked', async () => {
      const query = UNLINK.replace('$type: String', '$type: String!');
      const variables = { userId: USER, extIdpId: WECHAT };
      for (const type of [undefined, null]) {
        const { executions, body } = await expectSameAfter(
          { ...WRITE, query, variables: { ...variables, type: 'openid' } },
          { ...WRITE, query, variables: { ...variables, type } },
        );
        expect(executions).toEqual([]);
        expect(body).toContain('BAD_USER_INPUT');
      }
    });

    test.each([
      [
        'the field twice',
        '_entities(representations: $users) { ...U } _entities(representations: $users) { ...U }',
        'User',
        '',
      ],
      ['a fragment twice', '...F ...F', 'User', 'fragment F on Query { _entities(representations: $users) { ...U } }'],
    ])('more users than there may be, for %s', async (_title, fields, type, more) => {
      const query = `query ($users: [_Any!]!) { ${fields} } fragment U on ${type} { id } ${more}`;
      const users = (count: number): object[] =>
        Array.from({ length: count }, (_, user) => ({ __typename: 'User', id: user.toString(16).padStart(24, '0') }));
      const { status } = await expectSameAfter(
        { ...READ, query, variables: { users: users(1_000) } },
        { ...READ, query, variables: { users: users(1_001) } },
      );
      expect(status).toBe(400);
    });

    test.each([
      ['reads', 'subscription ($users: [_Any!]!) { _entities(representations: $users) { ... on User { id } } }'],
      [
        'unlinks',
        'subscription ($userId: ID!, $extIdpId: ID!) { unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success } }',
      ],
    ])('a subscription that %s, which passes validation', async (_title, query) => {
      // The content type for this Accept header has to be cached too.
      await both.expectSame(READ);
      const variables = { users: representations([USER]).representations, userId: USER, extIdpId: WECHAT };
      const { status, executions } = await both.expectSameTwice({ ...usual, query, variables });
      expect(status).toBe(400);
      expect(executions).toEqual([]);
    });
  });
});
