import { ApolloServer } from '@apollo/server';
import * as fc from 'fast-check';
import type { Emulator, Fault } from '../../src/emulator';
import { SUBJECT, type Issuer, startIssuer } from '../support/issuer';
import { credentials, ENTITIES, representations, type Stack, startStack, UNLINK } from '../support/stack';
import { type CallerKind, type Operation, operation, SEED } from './operations';

const RUNS = Number(process.env['EXECUTOR_RUNS'] ?? '300');

/** The part of an answer that must be the same: all of it, but for what is made up anew for every request. */
interface Answered {
  status: number;
  headers: Record<string, string>;
  body: string;
  executions: object[];
  calls: object[];
}

const WECHAT = SEED.extIdps[0]?.id ?? '';
const GITHUB = SEED.extIdps[1]?.id ?? '';
const USERS = SEED.users.map(({ id = '' }) => id);
const [, USER = '', OTHER = ''] = USERS;

const SCOPES: Readonly<Record<CallerKind, string>> = {
  administrator: 'identity:read identity:unlink',
  reader: 'identity:read',
  user: 'openid',
};

describe('the two executors', () => {
  let issuer: Issuer;
  let fast: Stack;
  let reference: Stack;
  const headersOf = new Map<CallerKind, Record<string, string>>();
  /** Requests that Apollo Server has answered, in both stacks together. */
  const byApollo = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');

  beforeAll(async () => {
    issuer = await startIssuer();
    for (const [caller, scope] of Object.entries(SCOPES)) {
      headersOf.set(caller as CallerKind, credentials(issuer.token({ scope })));
    }
    const env = { GENAUTH_MAX_QPS: '1000000', MAX_MUTATION_FIELDS: '4' };
    const options = { issuer, emulator: { seed: SEED, qps: Infinity } };
    [fast, reference] = await Promise.all([
      startStack({ ...options, env: { ...env, EXECUTOR: 'fast' } }),
      startStack({ ...options, env: { ...env, EXECUTOR: 'graphql-js' } }),
    ]);
    // An id of the request that differs would be a difference.
    for (const { emulator } of [fast, reference]) emulator.switches.requestId = 'never';
  });
  beforeEach(() => {
    for (const { emulator } of [fast, reference]) {
      emulator.faults.clear();
      emulator.switches.unlinkMissing = 'success';
    }
  });
  afterAll(async () => {
    byApollo.mockRestore();
    await Promise.all([fast.close(), reference.close()]);
    await issuer.close();
  });

  async function answerOf(
    stack: Stack,
    { query, variables, operationName, accept, caller }: Operation,
  ): Promise<Answered> {
    stack.emulator.clearCalls();
    const response = await fetch(`${stack.subgraph.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...headersOf.get(caller),
        ...(accept === undefined ? {} : { accept }),
      },
      body: JSON.stringify({ query, variables, operationName }),
    });
    const { date: _date, 'x-request-id': _id, ...headers } = Object.fromEntries(response.headers);
    const bytes = Buffer.from(await response.arrayBuffer());
    const body = bytes.toString().replaceAll(/"operationId":"[0-9a-f-]{36}"/g, '"operationId":"one of its own"');
    const executions = stack.emulator.store.executions.map(({ at: _at, ...execution }) => execution);
    const calls = stack.emulator.calls.map(({ route, userIds, executed }) => ({
      route,
      userIds: [...userIds].sort(),
      executed,
    }));
    return { status: response.status, headers, body, executions, calls };
  }

  /** Links again what unlinks of before have taken. */
  function restore({ store }: Emulator): void {
    for (const { id: userId = '', identities = [] } of SEED.users) {
      for (const { id: extIdpId = '' } of SEED.extIdps) store.unlink({ userId, extIdpId });
      for (const identity of identities) store.link(userId, identity);
    }
  }

  /** What is wrong with no answer, and yet needs graphql-js: one user instead of a list, and one of whom nothing is read. */
  function maySkipGraphQL({ query, variables: { users }, caller }: Operation): boolean {
    if (query.includes('mutation')) return true;
    return Array.isArray(users) && (caller !== 'user' || users.every(({ id }: { id: string }) => id === SUBJECT));
  }

  /** Sends it to both, and @returns what both answered, and whether Apollo Server had no part in the one answer. */
  async function expectSame(request: Operation): Promise<Answered & { wasCompiled: boolean }> {
    for (const { emulator } of [fast, reference]) restore(emulator);
    byApollo.mockClear();
    const [one, other] = await Promise.all([answerOf(fast, request), answerOf(reference, request)]);
    expect(one).toEqual(other);
    return { ...one, wasCompiled: byApollo.mock.calls.length === 1 };
  }

  /** Sends it twice: from the second time on it is known. */
  async function expectSameTwice(request: Operation): Promise<Answered & { wasCompiled: boolean }> {
    const first = await expectSame(request);
    const second = await expectSame(request);
    expect(second).toEqual({ ...first, wasCompiled: second.wasCompiled });
    return second;
  }

  /** From then on it is compiled, so that it is not graphql-js that meets first what goes wrong. */
  async function learn(request: Operation): Promise<void> {
    expect((await expectSameTwice(request)).wasCompiled).toBe(true);
  }

  function inflict(fault: Fault, route = '*'): void {
    for (const { emulator } of [fast, reference]) emulator.faults.set(route, fault);
  }

  /** How many requests of which kind went how, as those who run the process see it. */
  async function countsOf({ subgraph }: Stack): Promise<string[]> {
    const metrics = await (await fetch(`${subgraph.adminUrl}/metrics`)).text();
    const counts = /^(graphql_request_|genauth_call_)duration_seconds_count|^genauth_batch_users_(sum|count)|^unlink_/;
    return metrics
      .split('\n')
      .filter((line) => counts.test(line))
      .sort();
  }

  const usual = { operationName: undefined, accept: undefined, caller: 'administrator', isCompiled: true } as const;
  const READ: Operation = { ...usual, query: ENTITIES, variables: representations(USERS) };
  const WRITE: Operation = { ...usual, query: UNLINK, variables: { userId: USER, extIdpId: WECHAT } };

  test(`give the same answers to ${RUNS} generated operations, and ask GenAuth for the same`, async () => {
    const counts = { data: 0, compiledQueries: 0, compiledMutations: 0, unlinks: 0, errors: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(operation, async (request) => {
        const { status, body, executions, wasCompiled } = await expectSameTwice(request);
        const isClean = status === 200 && !body.startsWith('{"errors"');
        expect(wasCompiled).toBe(isClean && request.isCompiled && maySkipGraphQL(request));
        if (isClean) counts.data++;
        else if (body.includes('"data":{')) counts.errors++;
        else counts.refused++;
        if (wasCompiled && request.query.includes('mutation')) counts.compiledMutations++;
        else if (wasCompiled) counts.compiledQueries++;
        counts.unlinks += executions.length;
      }),
      { numRuns: RUNS, seed: 20261124 },
    );
    expect(await countsOf(fast)).toEqual(await countsOf(reference));
    // Each kind is to be there many times, or it would hardly have been compared.
    expect(counts.compiledQueries).toBeGreaterThan(RUNS / 12);
    expect(counts.compiledMutations).toBeGreaterThan(RUNS / 20);
    expect(counts.data).toBeGreaterThan(RUNS / 4);
    expect(counts.errors).toBeGreaterThan(RUNS / 50);
    expect(counts.refused).toBeGreaterThan(RUNS / 20);
    expect(counts.unlinks).toBeGreaterThan(RUNS / 10);
  }, 1_200_000);

  test('differ in who answers: what routers send is compiled from the second time on', async () => {
    for (const [index, request] of [READ, WRITE].entries()) {
      const fresh = { ...request, query: `${request.query} # new to both` };
      expect((await expectSame(fresh)).wasCompiled).toBe(false);
      expect((await expectSame(fresh)).wasCompiled).toBe(true);
      // Known by its text, its operation's name and its Accept header: each of them is another one.
      expect((await expectSame({ ...fresh, query: `${fresh.query} ` })).wasCompiled).toBe(false);
      expect((await expectSame({ ...fresh, accept: `application/json;q=0.${index + 1}` })).wasCompiled).toBe(false);
      expect((await expectSame({ ...fresh, operationName: 'None' })).wasCompiled).toBe(false);
      expect((await expectSame(fresh)).wasCompiled).toBe(true);
    }
  });

  test('look at the name of the operation where a document has several', async () => {
    const query = `query A ($users: [_Any!]!) { _entities(representations: $users) { ... on User { id } } }
      query B ($users: [_Any!]!) { _entities(representations: $users) { ... on User { identities { type } } } }
      mutation C ($userId: ID!, $extIdpId: ID!) { unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success } }`;
    const variables = { users: representations([USER]).representations, userId: USER, extIdpId: WECHAT };
    for (const operationName of ['A', 'B', 'C', undefined, 'D', 'A', 'B', 'C']) {
      const isKnown = operationName !== undefined && operationName !== 'D';
      expect((await expectSameTwice({ ...usual, query, variables, operationName })).wasCompiled).toBe(isKnown);
    }
  });

  describe.each(['http-503', 'envelope-400', 'envelope-404/2004', 'wrong-shape', 'user-mismatch', 'not-json'] as const)(
    'when GenAuth answers reads with %s',
    (fault) => {
      test('give the same answer to a query, with the same calls', async () => {
        await learn(READ);
        inflict(fault);
        const { body } = await expectSame(READ);
        expect(body).toContain('"_entities":[');
      });

      test('give the same answer to an unlink that was executed, once', async () => {
        await learn(WRITE);
        inflict(fault, 'get-user-batch');
        const { executions } = await expectSame(WRITE);
        expect(executions).toEqual([{ userId: USER, extIdpId: WECHAT, type: null, removed: 2 }]);
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
  ])('send an unlink once when GenAuth answers it with %s, and say the same of it', async (fault, executed, said) => {
    await learn(WRITE);
    inflict(fault, 'unlink-identity');
    const { executions, calls, body } = await expectSame(WRITE);
    expect(executions).toHaveLength(executed);
    expect(calls.filter((call) => JSON.stringify(call).includes('unlink-identity'))).toHaveLength(1);
    expect(body).toContain(said);
  });

  test.each(['success', 'success-false', '404', '422'] as const)(
    'say the same of an unlink of what is not linked, where GenAuth answers that with %s',
    async (unlinkMissing) => {
      for (const { emulator } of [fast, reference]) emulator.switches.unlinkMissing = unlinkMissing;
      const { wasCompiled } = await expectSameTwice({
        ...WRITE,
        variables: { userId: USER, extIdpId: WECHAT, type: 'none' },
      });
      expect(wasCompiled).toBe(true);
    },
  );

  test('show whoever asks for it how long each field took, of what is known, too', async () => {
    await learn(READ);
    const response = await fetch(`${fast.subgraph.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'apollo-federation-include-trace': 'ftv1',
        ...headersOf.get('administrator'),
      },
      body: JSON.stringify({ query: READ.query, variables: READ.variables }),
    });
    expect(await response.json()).toHaveProperty('extensions.ftv1', expect.any(String));
  });

  test('keep to themselves what another request has begun', async () => {
    await learn(WRITE);
    for (const { emulator } of [fast, reference]) restore(emulator);
    const both = (stack: Stack) =>
      Promise.all(
        [USER, OTHER, USER].map((userId) => answerOf(stack, { ...WRITE, variables: { userId, extIdpId: GITHUB } })),
      );
    const [ones, others] = await Promise.all([both(fast), both(reference)]);
    expect(ones.map(({ body }) => body)).toEqual(others.map(({ body }) => body));
    expect(fast.emulator.store.identitiesOf(USER)).toEqual(reference.emulator.store.identitiesOf(USER));
    expect(fast.emulator.store.identitiesOf(SUBJECT)).toHaveLength(3);
  });

  describe('refuse alike, once the document is known,', () => {
    /** Learns the document from a request that nothing is wrong with. */
    async function expectSameAfter(good: Operation, bad: Operation): Promise<Answered> {
      expect((await expectSame(good)).body).not.toContain('"errors"');
      return expectSame(bad);
    }

    test('a type that is declared as required and not given: nothing is unlinked', async () => {
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
    ])('more representations than there may be, for %s', async (_title, fields, type, more) => {
      const query = `query ($users: [_Any!]!) { ${fields} } fragment U on ${type} { id } ${more}`;
      const users = (count: number): object[] => Array<object>(count).fill({ __typename: 'User', id: USER });
      const { status } = await expectSameAfter(
        { ...READ, query, variables: { users: users(500) } },
        { ...READ, query, variables: { users: users(501) } },
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
      // What such a client is answered with has to be known, too.
      await expectSame(READ);
      const variables = { users: representations([USER]).representations, userId: USER, extIdpId: WECHAT };
      const { status, executions } = await expectSameTwice({ ...usual, query, variables });
      expect(status).toBe(400);
      expect(executions).toEqual([]);
    });
  });
});
