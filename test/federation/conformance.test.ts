import { auditServer } from 'graphql-http';
import { type Stack, startStack } from '../support/stack';

describe('GraphQL over HTTP', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ env: { INTROSPECTION: 'on' } });
  });
  afterAll(() => stack.close());

  test('passes every MUST of the specification’s audit suite', async () => {
    const results = await auditServer({ url: `${stack.subgraph.url}/graphql` });
    const failed = results.filter(({ status }) => status === 'error').map(({ name }) => name);
    expect(results.length).toBeGreaterThan(50);
    expect(failed).toEqual([]);
  });
});
